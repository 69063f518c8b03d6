import type { LiveDeepgramOptions } from '../contracts/index.js';
import { checkLiveKeys, LIVE_KEYS, liveParameters, liveProtocol } from '../deepgram/map-options.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { systemClock } from '../internal/system-clock.js';
import { checkKeys, checkNumber } from '../internal/validate.js';
import { LiveSession } from '../streaming/session.js';
import type { SessionDependencies } from '../streaming/session-types.js';
import type { DirectClientOptions } from './direct-options.js';
import { createDirectTransport } from './direct-transport.js';
import { webSocketUrl } from './web-socket.js';

/** The same session as on a server, over the browser's WebSocket. This module is loaded when it is needed. */
export function openDirectSession(
  given: DirectClientOptions,
  listener: Pick<SessionDependencies, 'onEvent' | 'onState'>,
): LiveSession {
  const { token, WebSocket, endpoint = 'https://api.deepgram.com' } = given;
  const { connectTimeoutMs, giveUpAfterMs, replaySeconds, finishTimeoutMs } = resolveNumbers(given);
  const options: LiveDeepgramOptions & { model: string } = {
    model: 'nova-3',
    ...defined(given.options ?? {}),
  };
  const { model, language, encoding, sample_rate, channels } = options;
  checkKeys('options', options, LIVE_KEYS);
  checkLiveKeys(options, model);
  const protocol = liveProtocol(model);
  const transport = createDirectTransport({
    token,
    WebSocket,
    connectTimeoutMs,
    endpoint: webSocketUrl('endpoint', endpoint).replace(/\/+$/, ''),
    protocol,
    parameters: liveParameters(options),
  });
  const session = new LiveSession({
    ...listener,
    onEnd: () => undefined,
    transport,
    clock: systemClock,
    transcriptId: createId('tr'),
    settings: {
      model,
      protocol,
      interimResults: protocol === 'flux' || options.interim_results === true,
      finishTimeoutMs,
      replaySeconds,
      repair: false,
      reconnect: { giveUpAfterMs, maxDelayMs: 5000 },
      ...defined({ language, encoding, sample_rate, channels }),
    },
  });
  session.start();
  return session;
}

const DEFAULTS = {
  connectTimeoutMs: 10_000,
  giveUpAfterMs: 60_000,
  finishTimeoutMs: 15_000,
  replaySeconds: 30,
};

function resolveNumbers(given: DirectClientOptions): typeof DEFAULTS {
  const numbers = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    checkNumber(name, given[name], { min: 1 });
    numbers[name] = given[name] ?? DEFAULTS[name];
  }
  return numbers;
}
