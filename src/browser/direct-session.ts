import type { LiveDeepgramOptions } from '../contracts/index.js';
import { checkLiveKeys, LIVE_KEYS, liveParameters, liveProtocol } from '../deepgram/map-options.js';
import { defined } from '../internal/defined.js';
import { createId } from '../internal/ids.js';
import { systemClock } from '../internal/system-clock.js';
import { checkKeys } from '../internal/validate.js';
import { LiveSession } from '../streaming/session.js';
import type { SessionDependencies } from '../streaming/session-types.js';
import type { DirectSettings } from './direct-client.js';
import { createDirectTransport } from './direct-transport.js';

/** The same session as on a server, over the browser's WebSocket. This module is loaded when it is needed. */
export function openDirectSession(
  settings: DirectSettings,
  listener: Pick<SessionDependencies, 'onEvent' | 'onState'>,
): LiveSession {
  const { giveUpAfterMs, replaySeconds, finishTimeoutMs } = settings;
  const options: LiveDeepgramOptions & { model: string } = { model: 'nova-3', ...defined(settings.options) };
  const { model, language, encoding, sample_rate, channels } = options;
  checkKeys('options', options, LIVE_KEYS);
  checkLiveKeys(options, model);
  const protocol = liveProtocol(model);
  const transport = createDirectTransport({ ...settings, protocol, parameters: liveParameters(options) });
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
