import { promisify } from 'node:util';
import { BadRequestError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { createWebhookTargets, type WebhookTargets } from '../../src/webhooks/index.js';
import { failureOf } from '../support/client.js';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example.com': ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  'loopback.example.com': ['127.0.0.1'],
  'loopback6.example.com': ['::1'],
  'private.example.com': ['10.1.2.3'],
  'link-local.example.com': ['169.254.1.1'],
  'metadata.example.com': ['169.254.169.254'],
  'metadata6.example.com': ['fd00:ec2::254'],
  'shared.example.com': ['100.64.0.1'],
  'mapped.example.com': ['::ffff:10.1.2.3'],
  'nat64.example.com': ['64:ff9b::a01:203'],
  '6to4.example.com': ['2002:a01:203::1'],
  'zone.example.com': ['fe80::1%eth0'],
  'odd.example.com': ['no address'],
  'empty.example.com': [],
  'mixed.example.com': ['93.184.215.14', '127.0.0.1'],
  'hooks.internal': ['10.1.2.3'],
  'one.example.com': ['10.0.0.5'],
  'a.hooks.example.com': ['93.184.215.14'],
};

async function resolve(hostname: string): Promise<readonly string[]> {
  const addresses = NAMES[hostname];
  if (addresses === undefined) throw Object.assign(new Error(hostname), { code: 'ENOTFOUND' });
  return addresses;
}

/** Refused by its text alone, without a look-up. */
const REFUSED_AT_ONCE: Readonly<Record<string, readonly string[]>> = {
  scheme: ['http://public.example.com/', 'ftp://public.example.com/', 'file:///etc/passwd', 'javascript:1'],
  'no URL': ['', 'public.example.com', '//public.example.com/', 'https://', 'https://[::1', 'https://a b/'],
  port: ['https://public.example.com:8443/', 'https://public.example.com:22/', 'https://93.184.215.14:6379/'],
  userinfo: [
    'https://user@public.example.com/',
    'https://user:password@public.example.com/',
    'https://:password@public.example.com/',
    'https://public.example.com@127.0.0.1/',
  ],
  fragment: ['https://public.example.com/#', 'https://public.example.com/a?b#c'],
  loopback: [
    'https://127.0.0.1/',
    'https://127.255.255.254/',
    'https://[::1]/',
    'https://0.0.0.0/',
    'https://[::]/',
  ],
  private: ['https://10.0.0.1/', 'https://172.16.0.1/', 'https://192.168.0.1/', 'https://[fd00::1]/'],
  'link-local': ['https://169.254.0.1/', 'https://[fe80::1]/'],
  metadata: [
    'https://169.254.169.254/',
    'https://[fd00:ec2::254]/',
    'https://metadata.google.internal/',
    'https://168.63.129.16/',
  ],
  'carrier-grade NAT': ['https://100.64.0.1/', 'https://100.127.255.255/'],
  'v4-mapped': ['https://[::ffff:127.0.0.1]/', 'https://[::ffff:a9fe:a9fe]/', 'https://[::127.0.0.1]/'],
  NAT64: ['https://[64:ff9b::127.0.0.1]/', 'https://[64:ff9b:1::10.0.0.1]/'],
  '6to4 and Teredo': ['https://[2002:7f00:1::]/', 'https://[2001:0:7f00:1::]/'],
  'decimal, octal, hexadecimal and short': [
    'https://2130706433/',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://127.1/',
    'https://2852039166/',
  ],
  'other digits and dots': [
    'https://１２７.０.０.１/',
    'https://127。0。0。1/',
    'https://127.0.0.1./',
    'https://127.1../',
  ],
  localhost: ['https://localhost/', 'https://localhost./', 'https://a.b.localhost/', 'https://LOCALHOST/'],
  'names of private networks': ['https://redis/', 'https://hooks.internal/', 'https://a.svc.cluster.local/'],
  'a name that is none': [
    `https://${'a.'.repeat(127)}com/`,
    'https://a..b.com/',
    `https://${'a'.repeat(20_000)}.com/`,
  ],
};

/** Refused by what their names lead to. */
const REFUSED_BY_ADDRESS = Object.keys(NAMES).filter(
  (name) => !['public.example.com', 'a.hooks.example.com', 'hooks.internal'].includes(name),
);

describe('the targets of webhooks', () => {
  const asked: string[] = [];
  const targets = createWebhookTargets({
    resolve: (hostname) => {
      asked.push(hostname);
      return resolve(hostname);
    },
  });

  for (const [form, urls] of Object.entries(REFUSED_AT_ONCE)) {
    it.each(urls.map((url) => [url.slice(0, 60), url]))(`refuse at once, ${form}: %s`, (_shown, url) => {
      for (const refusal of [refusalOf(() => targets.check(url)), refusalOf(() => targets.open(url))]) {
        expect(refusal).toBeInstanceOf(BadRequestError);
        expect(refusal).toMatchObject({ code: 'forbidden_address', retryable: false });
        expect(refusal.message).toMatch(
          /^The URL of the webhook is refused, because .+ name its host in webhooks\.allow\.$/,
        );
      }
      expect(asked).toEqual([]);
    });
  }

  it.each([undefined, null, 5, {}, new URL('https://public.example.com/')])(
    'refuse %s, which is no text',
    (url) => {
      const refusal = refusalOf(() => targets.check(url as string));
      expect(refusal).toMatchObject({ name: 'BadRequestError', code: 'forbidden_address' });
    },
  );

  it('name in a refusal neither host nor path, which may be secrets', () => {
    const refusal = refusalOf(() =>
      targets.check('http://CANARY:CANARY@canary.internal/CANARY?CANARY#CANARY'),
    );
    expect(`${refusal.stack}${JSON.stringify(refusal)}`).not.toMatch(/canary/i);
  });

  it.each(REFUSED_BY_ADDRESS)('refuse %s when it is looked up', async (name) => {
    targets.check(`https://${name}/`);
    const error = await failureOf(lookUp(targets, `https://${name}/`));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'forbidden_address' });
    expect(error.message).not.toContain(name);
  });

  it('hand the addresses of a public name to the socket, each with its family', async () => {
    asked.length = 0;
    const url = 'https://PUBLIC.example.com./hooks?a=b';
    targets.check(url);
    expect(asked).toEqual([]);
    expect(await lookUp(targets, url)).toEqual([
      { address: '93.184.215.14', family: 4 },
      { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 },
    ]);
    expect(asked).toEqual(['public.example.com']);
  });

  it('give one address to a socket that asks for one', async () => {
    const { lookup } = targets.open('https://public.example.com/');
    const found = await new Promise((resolve) =>
      lookup?.('', {}, (error, address, family) => resolve({ error, address, family })),
    );
    expect(found).toEqual({ error: null, address: '93.184.215.14', family: 4 });
  });

  it('pass on the failure of a look-up', async () => {
    const error = await lookUp(targets, 'https://unknown.example.com/').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
  });

  it.each(['https://93.184.215.14/', 'https://[2606:4700:4700::1111]/', 'https://1572394766:443/'])(
    'let through %s, with nothing to look up',
    (url) => {
      expect(targets.open(url).lookup).toBeUndefined();
    },
  );

  it('take other ports where they are told to', () => {
    const open = createWebhookTargets({ ports: [8443], resolve });
    open.check('https://public.example.com:8443/');
    refusalOf(() => open.check('https://public.example.com/'));
    refusalOf(() => open.check('https://127.0.0.1:8443/'));
  });
});

describe('targets that are let through', () => {
  it('keep the zone of a link-local address, without which no socket finds it', async () => {
    const local = createWebhookTargets({ allow: ['fe80::/10'], resolve });
    expect(await lookUp(local, 'https://zone.example.com/')).toEqual([
      { address: 'fe80::1%eth0', family: 6 },
    ]);
  });

  const targets = createWebhookTargets({
    allow: ['hooks.example.com', 'one.example.com:8080', '10.0.0.5:9000', '10.1.0.0/16', '[fd00::5]'],
    resolve,
  });

  it.each([
    'http://hooks.example.com/',
    'http://hooks.example.com:1234/',
    'https://hooks.example.com:22/',
    'http://one.example.com:8080/',
    'http://10.0.0.5:9000/',
    'http://10.1.2.3/',
    'https://10.1.2.3:22/',
    'http://[fd00::5]:8080/',
    // Their addresses are let through.
    'https://hooks.internal/',
    'http://hooks.internal:8080/',
    'http://private.example.com:22/',
    'https://mapped.example.com/',
  ])('%s', async (url) => {
    targets.check(url);
    if (targets.open(url).lookup !== undefined) await lookUp(targets, url);
  });

  it.each([
    'http://one.example.com/',
    'http://10.0.0.5/',
    'http://10.2.0.0/',
    'http://public.example.com/',
    'https://public.example.com:8080/',
    'http://user@hooks.example.com/',
    'http://hooks.example.com/#',
    'ftp://hooks.example.com/',
    'http://a.hooks.example.com/',
    'https://loopback.example.com/',
    'https://mixed.example.com/',
  ])('but not %s', async (url) => {
    const outcome = async (): Promise<unknown> => lookUp(targets, url);
    expect(await failureOf(outcome())).toMatchObject({ code: 'forbidden_address' });
  });
});

async function lookUp(targets: WebhookTargets, url: string): Promise<unknown> {
  const { lookup } = targets.open(url);
  if (lookup === undefined) throw new Error('There is nothing to look up.');
  return promisify(lookup)('ignored.example.com', { all: true });
}

function refusalOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('It was let through.');
}
