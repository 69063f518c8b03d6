import { createRandom } from '../../../src/testing/emulator/faults-random.js';

/** Numbers from a seed: the same seed, the same requests. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** From 0 to 1, without 1. */
  next(): number {
    return this.#random();
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

export interface FuzzWorld {
  readonly origin: string;
  /** Ids of jobs and transcripts that are there. */
  readonly ids: readonly string[];
  readonly audioUrl: string;
  readonly audio: Uint8Array<ArrayBuffer>;
}

const METHODS = ['GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'PROPFIND', 'get', 'X'];
const TEXTS = [
  '', 'x', '__proto__', 'constructor', 'prototype', 'toString', 'null', 'true', '-1', '1e999', '0x10', 'NaN',
  '../../etc/passwd', '%00', '\u0000', 'größe 👋', '\ud800', 'a'.repeat(600), 'x'.repeat(5000), '*', '"', "'; --",
  'http://169.254.169.254/', 'file:///etc/passwd', 'javascript:alert(1)', 'http://[', 'https://user:pw@a.test/',
]; // biome-ignore format: a list to look over
const FIELDS = [
  'audioUrl', 'userId', 'mode', 'audioDuration', 'priority', 'webhook', 'idempotencyKey', 'metadata', 'options',
  '__proto__', 'constructor', 'signal', 'region', 'store', 'delivery', 'callback', 'hasOwnProperty',
]; // biome-ignore format: a list to look over
const OPTIONS = [
  'language',
  'smart_format',
  'utt_split',
  'diarize',
  'model',
  'callback',
  'query',
  'tag',
  '__proto__',
];
const TYPES = [
  'application/json', 'application/json; charset=utf-8', 'application/vnd.a+json', 'audio/wav', 'video/mp4',
  'application/octet-stream', 'text/plain', 'multipart/form-data', 'audio/', '/', '', 'AUDIO/WAV;x=y', 'a'.repeat(3000),
]; // biome-ignore format: a list to look over
const HEADER_NAMES = [
  'x-request-id', 'idempotency-key', 'if-none-match', 'last-event-id', 'origin', 'content-encoding', 'content-length',
  'range', 'accept', 'access-control-request-method', 'cookie', 'x-forwarded-for',
]; // biome-ignore format: a list to look over
const USERS = [
  'Bearer ada',
  'Bearer ada',
  'Bearer ben',
  'Bearer admin',
  'Bearer ada:read',
  'Bearer nobody',
  'Basic x',
  '',
];

/** Any request that the Fetch API lets anybody make. */
export function randomRequest(dice: Dice, world: FuzzWorld): Request {
  for (;;) {
    const path = randomPath(dice, world);
    // Mostly one that the route takes: it is behind it that there is much to get wrong.
    const fit = /^\/api\/(transcribe|callback|token)/.test(path) ? 'POST' : 'GET';
    const method = dice.chance(0.8) ? fit : dice.pick(METHODS);
    const hasBody = !/^(get|head)$/i.test(method) && dice.chance(0.8);
    const headers = randomHeaders(dice);
    const body = hasBody ? randomBody(dice, world, headers) : undefined;
    try {
      const duplex = body instanceof ReadableStream ? { duplex: 'half' } : {};
      const init = { method, headers, ...(body !== undefined && { body }), ...duplex };
      return new Request(`${world.origin}${path}`, init);
    } catch {
      // Nobody can send that.
    }
  }
}

function randomPath(dice: Dice, { ids }: FuzzWorld): string {
  const id = (): string => (dice.chance(0.6) ? dice.pick(ids) : encoded(dice));
  const path = dice.pick([
    () => '/transcribe',
    () => '/transcribe',
    () => '/transcribe',
    () => '/transcribe',
    () => `/jobs/${id()}`,
    () => `/jobs/${id()}/events`,
    () => `/transcripts/${id()}${dice.pick(['', '.json', '.txt', '.srt', '.vtt', '.exe', '.', '..'])}`,
    () => dice.pick(['/callback', '/token', '/health', '/metrics', '/openapi.json']),
    () =>
      dice.pick([
        '/',
        '//',
        '/..',
        '/%2e%2e',
        '/%',
        '/%ff',
        '/jobs',
        '/jobs/',
        '/jobs//events',
        '/transcribe/',
      ]),
    () => `/${encoded(dice)}/${encoded(dice)}`,
  ])();
  return `/api${path}${dice.chance(0.4) ? `?${randomQuery(dice)}` : ''}`;
}

function randomQuery(dice: Dice): string {
  const names = [...FIELDS, ...OPTIONS, 'download'];
  return Array.from({ length: dice.below(5) }, () => `${dice.pick(names)}=${encoded(dice)}`).join('&');
}

/** Well encoded, or not at all. */
function encoded(dice: Dice): string {
  const text = dice.pick(TEXTS);
  return dice.chance(0.5) ? encodeURIComponent(text.replaceAll('\ud800', '')) : text.replaceAll('#', '');
}

function randomHeaders(dice: Dice): Headers {
  const headers = new Headers();
  const put = (name: string, value: string): void => {
    try {
      headers.set(name, value);
    } catch {
      // No header can say that.
    }
  };
  put('authorization', dice.chance(0.7) ? 'Bearer ada' : dice.pick(USERS));
  for (let count = dice.below(3); count > 0; count -= 1) put(dice.pick(HEADER_NAMES), dice.pick(TEXTS));
  if (dice.chance(0.9)) put('content-type', dice.pick(TYPES));
  return headers;
}

function randomBody(dice: Dice, world: FuzzWorld, headers: Headers): BodyInit {
  const json = (data: unknown): string => {
    if (dice.chance(0.8)) headers.set('content-type', 'application/json');
    return JSON.stringify(data);
  };
  const bytes = (length: number) => Uint8Array.from({ length }, () => dice.below(256));
  return dice.pick<() => BodyInit>([
    () => json(randomRequestData(dice, world)),
    () => json({ audioUrl: world.audioUrl, mode: dice.pick(['sync', 'async', 'stream']) }),
    () => json(randomValue(dice, 4)),
    // A literal, because an object made by code loses its prototype's name.
    () =>
      `{"audioUrl":"${world.audioUrl}","__proto__":{"isAdmin":true},"options":{"__proto__":{"model":"x"}}}`,
    () => `${'{"a":'.repeat(dice.below(20_000))}1`,
    () => '['.repeat(dice.below(100_000)),
    () => `{"${'k'.repeat(dice.below(100_000))}":1}`,
    () => dice.pick(TEXTS),
    () => bytes(dice.below(300)),
    () => (dice.chance(0.2) ? world.audio : world.audio.slice(0, dice.below(200))),
    () => brokenStream(dice, bytes(50)),
  ])();
}

function randomRequestData(dice: Dice, { audioUrl }: FuzzWorld): unknown {
  const entries = Array.from(
    { length: dice.below(4) },
    () => [dice.pick(FIELDS), randomValue(dice, 3)] as const,
  );
  const options = Array.from(
    { length: dice.below(3) },
    () => [dice.pick(OPTIONS), randomValue(dice, 1)] as const,
  );
  return {
    audioUrl: dice.chance(0.15) ? audioUrl : dice.pick(TEXTS),
    ...(dice.chance(0.5) && { options: Object.fromEntries(options) }),
    ...(dice.chance(0.3) && { mode: dice.pick(['sync', 'async', 'stream', 'x']) }),
    ...Object.fromEntries(entries),
  };
}

function randomValue(dice: Dice, depth: number): unknown {
  const leaf = dice.pick<unknown>([null, true, false, 0, -1, 1e308, 0.1, 2 ** 53, dice.pick(TEXTS)]);
  if (depth === 0 || dice.chance(0.5)) return leaf;
  const length = dice.below(4);
  if (dice.chance(0.4)) return Array.from({ length }, () => randomValue(dice, depth - 1));
  return Object.fromEntries(Array.from({ length }, () => [dice.pick(TEXTS), randomValue(dice, depth - 1)]));
}

/** Breaks off, or brings something else than bytes. */
function brokenStream(dice: Dice, bytes: Uint8Array): ReadableStream {
  const isText = dice.chance(0.3);
  let count = dice.below(4);
  return new ReadableStream({
    pull(controller) {
      count -= 1;
      if (count >= 0) controller.enqueue(isText ? 'text' : bytes);
      else if (isText) controller.close();
      else controller.error(new Error('broken off'));
    },
  });
}
