import { lookup } from 'node:dns/promises';

/** The addresses of a name. Rejects with the error of the resolver, whose `code` is such as `ENOTFOUND`. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** By the resolver of the machine, in its order. */
export async function resolveByMachine(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}
