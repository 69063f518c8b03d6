import type { DeepgramTransport, DeepgramTransportRequest } from '@deepgram/sdk';
import type { LiveProtocol } from '../contracts/index.js';
import { type Credentials, secretOf } from './credentials.js';
import type { DeepgramSdk } from './sdk.js';

type Scalar = string | number | boolean;

/** Query parameters under Deepgram's names. */
export type LiveParameters = Readonly<Record<string, Scalar | readonly Scalar[]>> & {
  readonly model: string;
};

/** What a WebSocket is opened with. */
export type LiveRequest = Pick<DeepgramTransportRequest, 'url' | 'headers'>;

export interface LiveRequestParts {
  readonly sdk: DeepgramSdk;
  /** Deepgram's http(s) URL. */
  readonly endpoint: string;
  readonly protocol: LiveProtocol;
  readonly parameters: LiveParameters;
  readonly credentials: Credentials;
}

/** Takes nothing and tells nothing: the SDK asks for a transport in exchange for the request. */
const NO_TRANSPORT: DeepgramTransport = {
  send: () => undefined,
  onOpen: () => undefined,
  onMessage: () => undefined,
  onError: () => undefined,
  onClose: () => undefined,
  isOpen: () => false,
  close: () => undefined,
};

/**
 * The request of a live connection as the SDK makes it: address, query and headers.
 *
 * What the SDK would do with the connection is left out: it tells a failed handshake as a normal close, keeps what a
 * closing socket does not take, and hides what a handler throws.
 */
export async function createLiveRequest(parts: LiveRequestParts): Promise<LiveRequest> {
  const { sdk, endpoint, protocol, parameters, credentials } = parts;
  const webSocketUrl = endpoint.replace(/^http/i, 'ws').replace(/\/+$/, '');
  const Authorization = authorization(credentials);
  let request: LiveRequest | undefined;
  const client = new sdk.DeepgramClient({
    auth: async () => ({ headers: { Authorization } }),
    environment: { base: endpoint, production: webSocketUrl, agent: webSocketUrl, agentRest: endpoint },
    transportFactory: (url, headers) => {
      request = { url, headers };
      return NO_TRANSPORT;
    },
    reconnect: false,
  });
  const { v1, v2 } = client.listen;
  const socket = await (protocol === 'flux' ? v2 : v1).createConnection({
    model: parameters.model,
    queryParams: parameters,
    reconnectAttempts: 0,
  });
  socket.connect();
  socket.close();
  if (request === undefined) throw new Error('The SDK made no request.');
  return request;
}

/** The provider has checked that a header can carry it. */
function authorization(credentials: Credentials): string {
  return `${credentials.kind === 'key' ? 'Token' : 'Bearer'} ${secretOf(credentials)}`;
}
