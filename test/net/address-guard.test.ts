import { randomInt } from 'node:crypto';
import { UnsupportedSourceError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../src/net/address-guard.js';
import { Dice } from '../soak/dice.js';
import { failureOf } from '../support/client.js';
import { type Family, IPV4, IPV6, isPublic } from './address-oracle.js';

/** What the injected resolver knows. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example.com': ['93.184.215.14'],
  'both.example.com': ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  'loopback.example.com': ['127.0.0.1'],
  'loopback6.example.com': ['::1'],
  'metadata.example.com': ['169.254.169.254'],
  'private.example.com': ['10.1.2.3'],
  'mapped.example.com': ['::ffff:10.1.2.3'],
  'nat64.example.com': ['64:ff9b::a01:203'],
  'zone.example.com': ['fe80::1%eth0'],
  'odd.example.com': ['not an address'],
  'one-of-two.example.com': ['93.184.215.14', '10.1.2.3'],
  'last-of-three.example.com': ['93.184.215.14', '93.184.215.15', '::ffff:127.0.0.1'],
  'minio.internal': ['10.1.2.3'],
};

async function resolve(hostname: string): Promise<readonly string[]> {
  const addresses = NAMES[hostname];
  if (addresses === undefined) throw Object.assign(new Error(hostname), { code: 'ENOTFOUND' });
  return addresses;
}

const guard = createAddressGuard({ resolve });

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  scheme: [
    'ftp://93.184.215.14/a',
    'file:///etc/passwd',
    'gopher://93.184.215.14/',
    'data:audio/wav;base64,AA==',
  ],
  'no URL': [
    '',
    'a.wav',
    '//93.184.215.14/a',
    'http://',
    'http://[::1',
    'http://a b/',
    'http://[fe80::1%25eth0]/',
  ],
  port: [
    'http://93.184.215.14:22/',
    'http://93.184.215.14:6379/',
    'http://public.example.com:9000/',
    'http://unknown.example.com:22/',
    'https://public.example.com:1/',
  ],
  loopback: ['http://127.0.0.1/', 'https://127.255.255.254/', 'http://[::1]/', 'http://[0:0:0:0:0:0:0:1]/'],
  'this host': ['http://0.0.0.0/', 'http://0/', 'http://0.1.2.3/', 'http://[::]/'],
  private: [
    'http://10.0.0.1/',
    'http://10.255.255.255/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.0.1/',
    'http://[fc00::1]/',
    'http://[fdff:ffff::1]/',
  ],
  'link-local': ['http://169.254.0.1/', 'http://[fe80::1]/', 'http://[febf::1]/', 'http://[fec0::1]/'],
  metadata: [
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://metadata.google.internal/computeMetadata/v1/',
    'http://100.100.100.200/latest/meta-data/',
    'http://192.0.0.192/',
    'http://168.63.129.16/',
  ],
  'carrier-grade NAT': ['http://100.64.0.1/', 'http://100.127.255.255/'],
  'reserved and multicast': [
    'http://192.0.2.1/',
    'http://198.18.0.1/',
    'http://198.51.100.7/',
    'http://203.0.113.9/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    'http://[ff02::1]/',
    'http://[2001:db8::1]/',
    'http://[100::1]/',
    'http://[5f00::1]/',
  ],
  'v4-mapped': [
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::FFFF:10.0.0.1]/',
    'http://[0:0:0:0:0:ffff:a9fe:a9fe]/',
    'http://[::ffff:93.184.215.14]/',
  ],
  'v4-translated and v4-compatible': [
    'http://[::ffff:0:127.0.0.1]/',
    'http://[::127.0.0.1]/',
    'http://[::7f00:1]/',
  ],
  NAT64: [
    'http://[64:ff9b::127.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[64:ff9b:1::10.0.0.1]/',
    'http://[64:ff9b:1:ffff::1]/',
  ],
  '6to4': ['http://[2002:7f00:1::]/', 'http://[2002:a9fe:a9fe::1]/', 'http://[2002:5db8:d70e::]/'],
  Teredo: [
    'http://[2001::1]/',
    'http://[2001:0:7f00:1::]/',
    'http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/',
  ],
  'decimal, octal, hexadecimal and short': [
    'http://2130706433/',
    'http://017700000001/',
    'http://0177.0.0.1/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0X7F.1/',
    'http://127.1/',
    'http://127.0.1/',
    'http://10.1/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://00000177.0x0.0.01/',
  ],
  'full-width and other digits and dots': [
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://127．0．0．1/',
    'http://127｡0｡0｡1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/',
    'http://ｌｏｃａｌｈｏｓｔ/',
    'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
  ],
  'percent signs': ['http://%31%32%37.0.0.1/', 'http://127%2e0%2e0%2e1/', 'http://loc%61lhost/'],
  'blanks and line ends': [' http://127.0.0.1/', 'http://127.0.\n0.1/', 'ht\ttp://127.0.0.1/'],
  localhost: [
    'http://localhost/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://localhost../',
    'http://foo.localhost/',
    'http://a.b.localhost./',
    'http://localhost.localdomain/',
  ],
  'names of private networks': [
    'http://redis/',
    'http://printer.local/',
    'http://minio.internal/',
    'http://wiki.corp/',
    'http://nas.lan/',
    'http://router.home.arpa/',
    'http://kubernetes.default.svc/',
    'http://kubernetes.default.svc.cluster.local/',
  ],
  'names that lead there': [
    'http://loopback.example.com/',
    'http://LOOPBACK.Example.COM./',
    'http://loopback6.example.com/',
    'http://metadata.example.com/',
    'http://private.example.com/',
    'http://mapped.example.com/',
    'http://nat64.example.com/',
    'http://zone.example.com/',
    'http://odd.example.com/',
  ],
  'names that only the server may know': [
    'https://unknown.example.com/',
    'http://redis.prod.example.com:8080/',
  ],
  'several addresses, one of them private': [
    'http://one-of-two.example.com/',
    'https://last-of-three.example.com/',
  ],
  userinfo: [
    'http://api.deepgram.com@127.0.0.1/',
    'http://api.deepgram.com:443@127.0.0.1/',
    'http://api.deepgram.com%2f@127.0.0.1/',
    'http://api.deepgram.com&@127.0.0.1#@93.184.215.14/',
    'http://93.184.215.14:80@localhost/',
  ],
  'slashes of both kinds': [
    'http:\\\\127.0.0.1\\',
    'http:/127.0.0.1/',
    'http:127.0.0.1',
    'http:////127.0.0.1/',
  ],
  'trailing and double dots': [
    'http://127.0.0.1./',
    'http://127.0.0.1../',
    'http://127.1../',
    'http://a..b.com/',
    'http://./',
  ],
  'a name of numbers alone': ['http://127.0.0.1.1../', 'http://10.1../'],
  'a name that is too long': [`http://${'a.'.repeat(127)}com/`, `http://${'a'.repeat(100_000)}.com/`],
};

const PASSED = [
  'http://93.184.215.14/a.wav',
  'https://93.184.215.14:443/a.wav',
  'http://93.184.215.14:8080/a.wav',
  'https://93.184.215.14:8443/a.wav',
  'http://1.1.1.1/',
  'http://9.255.255.255/',
  'http://11.0.0.0/',
  'http://100.63.255.255/',
  'http://100.128.0.0/',
  'http://126.255.255.255/',
  'http://128.0.0.0/',
  'http://169.253.255.255/',
  'http://169.255.0.0/',
  'http://172.15.255.255/',
  'http://172.32.0.0/',
  'http://192.167.255.255/',
  'http://192.169.0.0/',
  'http://223.255.255.255/',
  'http://1572394766/',
  'https://[2606:4700:4700::1111]/',
  'https://[2a00:1450:4001:80b::200e]/',
  'https://public.example.com/a.wav?signature=x',
  'https://both.example.com/',
  'https://PUBLIC.example.com./',
  'https://user:password@public.example.com/',
  'http://127.0.0.1@public.example.com/',
  'http://public.example.com\\@127.0.0.1/',
];

describe('the address guard', () => {
  for (const [form, urls] of Object.entries(REFUSED)) {
    it.each(urls.map((url) => [url.slice(0, 80), url]))(`refuses, ${form}: %s`, async (_shown, url) => {
      const error = await failureOf(guard(url));
      expect(error).toBeInstanceOf(UnsupportedSourceError);
      expect(error).toMatchObject({ code: 'forbidden_address', retryable: false, ambiguous: false });
      expect(error.message).toMatch(/^The URL of the audio is refused, because .+ allowedSources\.$/);
    });
  }

  it.each(PASSED)('lets through %s', async (url) => {
    await guard(url);
  });

  it('names neither the host nor the address, which may be secrets of the network', async () => {
    const error = await failureOf(guard('http://user:CANARY@private.example.com/CANARY?token=CANARY'));
    expect(JSON.stringify(error) + error.message).not.toMatch(/CANARY|10\.1\.2\.3|private\.example/);
  });

  it('lets unknown names through where it is told to, and nothing else', async () => {
    const local = createAddressGuard({ resolve, passUnknownNames: true });
    await local('https://unknown.example.com/');
    for (const url of ['http://unknown.example.com:22/', 'http://unknown/', 'http://loopback.example.com/']) {
      expect(await passes(local, url), url).toBe(false);
    }
  });

  it('asks to try again where the look-up failed', async () => {
    const cause = Object.assign(new Error('queryA EAI_AGAIN'), { code: 'EAI_AGAIN' });
    const broken = createAddressGuard({ resolve: () => Promise.reject(cause) });
    const error = await failureOf(broken('https://public.example.com/'));
    expect(error).toMatchObject({ name: 'NetworkError', code: 'network', retryable: true, ambiguous: false });
    expect(error.cause).toBe(cause);
  });

  it('looks up no name that it refuses by itself', async () => {
    const asked: string[] = [];
    const watched = createAddressGuard({
      resolve: async (hostname) => {
        asked.push(hostname);
        return ['93.184.215.14'];
      },
    });
    for (const url of ['http://redis/', 'http://a.internal/', 'http://a..b/', 'http://127.1../']) {
      await failureOf(watched(url));
    }
    expect(asked).toEqual([]);
    await watched('http://public.example.com/');
    expect(asked).toEqual(['public.example.com']);
  });

  it('looks up by the resolver of the machine where none is given', async () => {
    expect(await passes(createAddressGuard({ allow: ['10.0.0.0/8'] }), 'http://localhost/')).toBe(false);
    const open = createAddressGuard({ allow: ['127.0.0.0/8', '::1/128'] });
    await open('http://localhost/');
  });
});

describe('hosts that are let through', () => {
  const allow = [
    'minio',
    'Store.Internal:9000',
    'web.internal:80',
    '10.0.0.5:9000',
    '10.1.0.0/16',
    '[fd00::5]:9000',
    '[fd00::6]',
    'fd01::/16',
  ];
  const open = createAddressGuard({ allow, resolve });

  it.each([
    'http://minio/',
    'http://MINIO.:1234/',
    'http://store.internal:9000/',
    'http://web.internal/',
    'http://10.0.0.5:9000/',
    'http://167772165:9000/',
    'http://10.1.0.0/',
    'http://10.1.255.255:22/',
    'http://[fd00::5]:9000/',
    'http://[fd00:0:0::6]:1/',
    'http://[fd01::1]/',
    'http://private.example.com:9000/',
    'http://mapped.example.com/',
    'http://one-of-two.example.com/',
    // Its name is private, and its address is let through.
    'http://minio.internal/',
  ])('%s', async (url) => {
    await open(url);
  });

  it.each([
    'http://store.internal:9001/',
    'https://web.internal/',
    'http://10.0.0.5/',
    'http://10.0.0.6:9000/',
    'http://10.2.0.0/',
    'http://[fd00::5]/',
    'http://[fd00::7]/',
    'http://[fd02::1]/',
    'http://a.minio/',
    'http://minio.evil.localhost/',
    'http://minio@127.0.0.1/',
    'http://one-of-two.example.com:22/',
    'http://last-of-three.example.com/',
    'http://unknown.internal/',
  ])('but not %s', async (url) => {
    expect(await failureOf(open(url))).toMatchObject({ code: 'forbidden_address' });
  });
});

describe('random addresses', () => {
  const seed = randomInt(1, 2 ** 31);
  const dice = new Dice(seed, 0);

  it(`are judged as arithmetic judges them (seed ${seed})`, async () => {
    let answer = '';
    const named = createAddressGuard({ resolve: async () => [answer] });
    for (const family of [IPV4, IPV6]) {
      for (let count = 0; count < 4000; count++) {
        const value = randomAddress(family);
        const url = spell(family, value);
        expect(await passes(guard, url), `seed ${seed}: ${url}`).toBe(isPublic(family, value));
        answer = family.text(value);
        expect(await passes(named, 'http://a.example.com/'), `seed ${seed}: a name of ${answer}`).toBe(
          isPublic(family, value),
        );
      }
    }
  });

  it(`are never let through inside of an IPv6 address (seed ${seed})`, async () => {
    for (let count = 0; count < 1000; count++) {
      const hex = randomAddress(IPV4).toString(16).padStart(8, '0');
      const [high, low] = [hex.slice(0, 4), hex.slice(4)];
      for (const text of [
        `::ffff:${high}:${low}`,
        `::${high}:${low}`,
        `64:ff9b::${high}:${low}`,
        `64:ff9b:1::${high}:${low}`,
        `2002:${high}:${low}::1`,
        `2001:0:${high}:${low}::1`,
      ]) {
        expect(await passes(guard, `http://[${text}]/`), `seed ${seed}: ${text}`).toBe(false);
      }
    }
  });

  /** Half of them lie at the edge of a range, where mistakes are made. */
  function randomAddress({ bits, special }: Family): bigint {
    if (dice.chance(0.5)) return randomBits(bits);
    const { first, last } = dice.oneOf(special);
    const inside = first + (randomBits(bits) % (last - first + 1n));
    const chosen = dice.oneOf([first, last, first - 1n, last + 1n, inside]);
    const size = 1n << BigInt(bits);
    return (chosen + size) % size;
  }

  function randomBits(bits: number): bigint {
    let value = 0n;
    for (let left = bits; left > 0; left -= 16) value = (value << 16n) | BigInt(dice.whole(0, 65_535));
    return value;
  }

  function spell(family: Family, value: bigint): string {
    const text = family.text(value);
    if (family.bits === 128) return `http://[${dice.oneOf([text, text.toUpperCase()])}]/`;
    const parts = text.split('.').map(Number);
    const spelling = dice.oneOf([
      text,
      String(value),
      `0x${value.toString(16)}`,
      `0${value.toString(8)}`,
      parts.map((part) => `0${part.toString(8)}`).join('.'),
      parts.map((part) => `0x${part.toString(16)}`).join('.'),
      `${parts[0]}.${(value & 0xffffffn).toString()}`,
      `${text}.`,
    ]);
    return `http://${spelling}/`;
  }
});

function passes(check: (url: string) => Promise<void>, url: string): Promise<boolean> {
  return check(url).then(
    () => true,
    () => false,
  );
}
