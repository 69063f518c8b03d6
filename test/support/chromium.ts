import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const EXECUTABLE = '/usr/bin/chromium';

/** Debian's package. */
export const hasChromium = existsSync(EXECUTABLE);

export interface ChromiumOptions {
  /**
   * A WAV file that the microphone plays over and over, from when it is opened. Without it: beeps. Where the machine is
   * too busy for it, it leaves out sound by itself.
   */
  readonly microphone?: string;
  /** False: whoever asks for the microphone is refused. Default true. */
  readonly allowMicrophone?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** One page in a headless Chromium. */
export interface Chromium {
  /** Settles when the page has been loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression, which may be a promise. Rejects with what it throws. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Waits until the expression is truthy, and returns its value. */
  waitFor<Value>(expression: string, timeoutMs?: number): Promise<Value>;
  /** Writes a PNG. */
  screenshot(path: string): Promise<void>;
  /** Any command of the DevTools protocol, to the page. */
  send(method: string, parameters?: object): Promise<Record<string, unknown>>;
  /** What was thrown, and what was logged as an error, since the start. */
  readonly errors: readonly string[];
  /** The network is gone, or back. WebSockets that are open stay open. */
  setOffline(offline: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export async function startChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'));
  const process = spawn(EXECUTABLE, argumentsFor(options, folder), { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const devTools = await connect(await endpointOf(process));
    return await openPage(devTools, options, () => end(process, devTools, folder));
  } catch (error) {
    process.kill('SIGKILL');
    throw error;
  }
}

function argumentsFor(options: ChromiumOptions, folder: string): string[] {
  const { microphone, allowMicrophone = true, width = 1280, height = 800 } = options;
  return [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    '--remote-debugging-port=0',
    `--user-data-dir=${folder}`,
    `--window-size=${width},${height}`,
    '--use-fake-device-for-media-stream',
    allowMicrophone ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts',
    ...(microphone === undefined ? [] : [`--use-file-for-fake-audio-capture=${microphone}`]),
    'about:blank',
  ];
}

async function endpointOf(process: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of process.stderr ?? []) {
    text += String(chunk);
    const endpoint = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (endpoint !== undefined) {
      return endpoint;
    }
  }
  throw new Error(`Chromium did not start: ${text.slice(-2000)}`);
}

interface DevTools {
  send(method: string, parameters?: object, session?: string): Promise<Record<string, unknown>>;
  onEvent: (method: string, parameters: Record<string, unknown>) => void;
  close(): void;
}

async function connect(endpoint: string): Promise<DevTools> {
  const socket = new WebSocket(endpoint, { perMessageDeflate: false });
  const calls = new Map<
    number,
    { resolve(value: Record<string, unknown>): void; reject(error: Error): void }
  >();
  let lastId = 0;
  const devTools: DevTools = {
    onEvent: () => undefined,
    send: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        calls.set(lastId, { resolve, reject });
        socket.send(JSON.stringify({ id: lastId, method, params, ...(sessionId && { sessionId }) }));
      }),
    close: () => socket.terminate(),
  };
  socket.on('message', (data) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as Message;
    if (id === undefined) {
      devTools.onEvent(method ?? '', params ?? {});
      return;
    }
    const call = calls.get(id);
    calls.delete(id);
    if (error === undefined) call?.resolve(result ?? {});
    else call?.reject(new Error(error.message));
  });
  socket.on('close', () => {
    for (const { reject } of calls.values()) reject(new Error('Chromium has gone.'));
  });
  await once(socket, 'open');
  return devTools;
}

async function openPage(
  devTools: DevTools,
  options: ChromiumOptions,
  close: () => Promise<void>,
): Promise<Chromium> {
  const { targetId } = await devTools.send('Target.createTarget', { url: 'about:blank' });
  const attached = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
  const send: Chromium['send'] = (method, parameters = {}) =>
    devTools.send(method, parameters, attached.sessionId as string);
  const errors: string[] = [];
  let loaded: () => void = () => undefined;
  devTools.onEvent = (method, parameters) => {
    if (method === 'Page.loadEventFired') loaded();
    const text = errorIn(method, parameters);
    if (text !== undefined) errors.push(text);
  };
  await Promise.all(
    ['Page.enable', 'Runtime.enable', 'Log.enable', 'Network.enable'].map((name) => send(name)),
  );
  const { width = 1280, height = 800 } = options;
  await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });

  async function evaluate<Value>(expression: string): Promise<Value> {
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as {
      result: { value: Value };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  return {
    send,
    errors,
    evaluate,
    close,
    async open(url) {
      const done = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      const { errorText } = await send('Page.navigate', { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      await done;
    },
    async waitFor<Value>(expression: string, timeoutMs = 60_000) {
      const endsAt = performance.now() + timeoutMs;
      while (performance.now() < endsAt) {
        const value = await evaluate<Value>(expression);
        if (value) return value;
        await pause(50);
      }
      throw new Error(
        `After ${timeoutMs} ms not true: ${expression}. Errors of the page: ${errors.join('; ')}`,
      );
    },
    async screenshot(path) {
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      await writeFile(path, Buffer.from(data as string, 'base64'));
    },
    async setOffline(offline) {
      await send('Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    },
  };
}

function errorIn(method: string, parameters: Record<string, unknown>): string | undefined {
  if (method === 'Runtime.exceptionThrown') {
    const { text, exception } = parameters.exceptionDetails as {
      text: string;
      exception?: { description?: string };
    };
    return exception?.description ?? text;
  }
  if (method === 'Runtime.consoleAPICalled' && parameters.type === 'error') {
    const values = parameters.args as { value?: unknown; description?: string }[];
    return values.map(({ value, description }) => String(value ?? description)).join(' ');
  }
  if (method !== 'Log.entryAdded') return undefined;
  const { level, text, url } = parameters.entry as { level: string; text: string; url?: string };
  return level === 'error' ? `${text} ${url ?? ''}` : undefined;
}

async function end(process: ChildProcess, devTools: DevTools, folder: string): Promise<void> {
  const ended = process.exitCode === null ? once(process, 'exit') : Promise.resolve();
  await Promise.race([devTools.send('Browser.close').catch(() => undefined), pause(2000)]);
  const timer = setTimeout(() => process.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(timer);
  devTools.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
