/** One fault of the raw SDK, in the words of the table in docs/why.md. */
export interface Fault {
  readonly id: `F${number}`;
  readonly mode: 'pre-recorded' | 'live';
  readonly happens: string;
  readonly sdk: string;
  readonly library: string;
  /** `s`: the real thing takes minutes and belongs to the soak tests; `npm test` shows its cause. */
  readonly tier: 't' | 's';
  readonly state: 'held' | 'not yet';
  /** False where the installed SDK was seen not to do it: its scenario asserts what it does instead. */
  readonly reproduced: boolean;
}

type Row = Pick<Fault, 'id' | 'happens' | 'sdk' | 'library'> & Partial<Fault>;

const PRE_RECORDED: readonly Row[] = [
  {
    id: 'F1',
    happens: 'the connection is refused',
    sdk: 'fails at the first attempt',
    library: 'retries',
  },
  {
    id: 'F2',
    happens: "the answer's body stalls",
    sdk: 'waits beyond its time-out, which covers the headers only',
    library: 'ends at the deadline',
  },
  {
    id: 'F3',
    happens: 'an abort during a back-off',
    sdk: 'is noticed when the back-off is over',
    library: 'ends at once',
  },
  {
    id: 'F4',
    happens: 'a time-out, an abort',
    sdk: 'are the same error class',
    library: '`TimeoutError`, `AbortedError`',
  },
  {
    id: 'F5',
    happens: 'a call failed',
    sdk: 'its timer keeps the process alive, 60 s by default',
    library: 'the process can end',
  },
  {
    id: 'F6',
    happens: 'a stream is answered with 503',
    sdk: 'the retry fails on the used stream and hides the 503',
    library: 'the 503, and how to make the source re-openable',
  },
  {
    id: 'F7',
    happens: 'the file is missing',
    sdk: 'the process ends',
    library: '`UnsupportedSourceError`',
  },
  {
    id: 'F8',
    happens: 'a file name outside Latin-1',
    sdk: '`TypeError`',
    library: 'does not matter',
  },
  {
    id: 'F9',
    happens: 'a plain object `{ path }`, as a request body may hold',
    sdk: 'the local file is uploaded',
    library: 'refused',
  },
  {
    id: 'F10',
    happens: 'a 200 with HTML, cut JSON, `null` or nothing; a redirect',
    sdk: 'resolves',
    library: '`ProviderError`',
  },
  {
    id: 'F11',
    happens: 'a refused request',
    sdk: 'the error has no request id',
    library: '`error.requestId`',
  },
  {
    id: 'F12',
    happens: 'an answer after more than 301 s',
    sdk: "Node's `fetch` gives up, whatever time-out was set",
    library: 'waits as long as the deadline allows',
    tier: 's',
  },
  {
    id: 'F13',
    happens: 'a large upload from a stream',
    sdk: 'ends up whole in memory',
    library: 'bounded memory',
  },
  {
    id: 'F14',
    happens: 'an option in the wrong place',
    sdk: "travels in the request's body",
    library: 'refused, with its name',
  },
  {
    id: 'F15',
    happens: '`DEEPGRAM_ACCESS_TOKEN` alone',
    sdk: 'fails',
    library: 'works',
  },
  {
    id: 'F16',
    happens: 'the client is printed',
    sdk: 'shows the API key',
    library: 'shows nothing',
  },
];

const LIVE: readonly Row[] = [
  {
    id: 'F17',
    happens: 'an attempt to reconnect is refused (401, 429, 503, no server)',
    sdk: 'reports a close with 1000 and never tries again',
    library: 'tries again until it is back; 401 is a typed error at once',
  },
  {
    id: 'F18',
    happens: 'the connection breaks in the middle of a word',
    sdk: 'loses what was not final; `sendMedia()` throws until it is back',
    library: 'every word, once; `send()` takes audio all the time',
  },
  {
    id: 'F19',
    happens: 'results come from a second connection',
    sdk: 'their times begin at 0 again',
    library: 'one timeline',
  },
  {
    id: 'F20',
    happens: 'the server ends a finished stream without a close code (1005)',
    sdk: 'opens a second stream, which nobody uses',
    library: 'the session is over',
  },
  {
    id: 'F21',
    happens: 'a token comes from a function, and the connection breaks',
    sdk: 'reconnects with the old token',
    library: 'asks for a token for each connection',
  },
  {
    id: 'F22',
    happens: 'an abort while waiting for the connection',
    sdk: '`waitForOpen()` never settles',
    library: '`opened` rejects',
  },
  {
    id: 'F23',
    happens: 'results come after the last audio',
    sdk: '`close()` drops them',
    library: '`finish()` waits for them',
  },
  {
    id: 'F24',
    happens: 'the server stops reading',
    sdk: 'takes all audio into memory and notices nothing',
    library: '`send()` waits, memory stays bounded, and it connects again within 5 s',
  },
  {
    id: 'F25',
    happens: '`on()` is called twice for the same event',
    sdk: 'the first handler is gone',
    library: 'both are called',
  },
  {
    id: 'F26',
    happens: 'the last attempt to reconnect fails',
    sdk: 'no error: the session is silent from then on',
    library: 'a typed error, once',
  },
  {
    id: 'F27',
    happens: 'a close with 1008, which no retry mends',
    sdk: 'connects again and again',
    library: 'a typed error at once',
  },
  {
    id: 'F28',
    happens: 'a message that is no JSON',
    sdk: 'is delivered as a string',
    library: 'a warning; the session goes on',
  },
];

/** Every known fault, in the order of its number. */
export const FAULTS: readonly Fault[] = [
  ...PRE_RECORDED.map((row) => complete(row, 'pre-recorded')),
  ...LIVE.map((row) => complete(row, 'live')),
];

function complete(row: Row, mode: Fault['mode']): Fault {
  return { mode, tier: 't', state: 'held', reproduced: true, ...row };
}
