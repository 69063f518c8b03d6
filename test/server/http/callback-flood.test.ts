import { connect, type Socket } from 'node:net';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, it, vi } from 'vitest';
import { resultOf, SECRET, secretIn } from '../../client/callback-rig.js';
import { buildScript, type ScriptProcess } from '../../support/script-process.js';

const MIB = 1024 * 1024;
const MAX_BODY = 16 * MIB;
const BOUND = 4 * MAX_BODY;
/** Of what a socket has received and nobody has looked at yet, and of the process itself. */
const SLACK = 8 * MIB;
const COUNT = 15;

/** Sends as much of a callback as it is told, and never its end. */
class Hostile {
  readonly #socket: Socket;
  #answer = '';

  constructor(route: string) {
    const { port, pathname } = new URL(route);
    this.#socket = connect(Number(port), '127.0.0.1');
    this.#socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        this.#answer += chunk;
      });
    this.#socket.write(`POST ${pathname} HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${MAX_BODY}\r\n\r\n`);
  }

  send(bytes: number): void {
    const piece = Buffer.alloc(64 * 1024, '[');
    for (let sent = 0; sent < bytes; sent += piece.length) this.#socket.write(piece);
  }

  get status(): string | undefined {
    return /^HTTP\/1.1 (\d+)/.exec(this.#answer)?.[1];
  }

  end(): void {
    this.#socket.destroy();
  }
}

async function heldBy(server: ScriptProcess): Promise<number> {
  const count = server.lines.length;
  server.tell('held');
  await vi.waitFor(() => expect(server.lines.length).toBeGreaterThan(count), { timeout: 20_000 });
  return Number(server.lines.at(-1));
}

it('takes an honest callback while others hold as much memory as they can, which is bounded', async () => {
  const emulator = await startDeepgramEmulator({ processingMs: 10_000_000 });
  const script = await buildScript(new URL('callback-flood-server.ts', import.meta.url));
  const audio = emulator.serveAudio(synthesizeSpeech('one two').audio);
  const server = script.start(emulator.url, audio, SECRET, String(MAX_BODY));
  const hostile: Hostile[] = [];
  const submissions = () => emulator.requests.filter(({ path }) => path === '/v1/listen');
  const handIn = async (index: number): Promise<number> => {
    const { query, requestId } = submissions()[index] as ReturnType<typeof submissions>[number];
    const body = JSON.stringify(resultOf(secretIn(`?${query}`), requestId, 'x'.repeat(20_000)));
    return (await fetch(route, { method: 'POST', body })).status;
  };
  const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 30_000, interval: 100 });
  let route = '';
  try {
    await until(() => expect(server.lines).toHaveLength(1));
    route = server.lines[0] ?? '';
    await until(() => expect(submissions()).toHaveLength(2));
    const before = await heldBy(server);

    // All of them are held.
    for (let count = 0; count < COUNT; count += 1) hostile.push(new Hostile(route));
    for (const each of hostile) each.send(4 * MIB);
    await until(async () => expect((await heldBy(server)) - before).toBeGreaterThan(COUNT * 4 * MIB - MIB));
    expect(await handIn(0)).toBe(200);
    expect(hostile.map(({ status }) => status)).toEqual(Array(COUNT).fill(undefined));

    // More than may be held.
    for (const each of hostile) each.send(11 * MIB);
    await until(() =>
      expect(hostile.filter(({ status }) => status === '503')).toHaveLength(COUNT - BOUND / MAX_BODY),
    );
    expect(await handIn(1)).toBe(200);
    // What has been let go of takes its time to be collected on a busy machine.
    await until(async () => expect((await heldBy(server)) - before).toBeLessThan(BOUND + SLACK));
    expect(hostile.filter(({ status }) => status === undefined)).toHaveLength(BOUND / MAX_BODY);
  } finally {
    for (const each of hostile) each.end();
    await server.kill();
    script.dispose();
    await emulator.close();
  }
}, 120_000);
