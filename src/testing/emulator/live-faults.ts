/**
 * When a live fault strikes: `open`, as soon as the stream is open; `midWord`, when the recognizer first hears a part
 * of a word (its `partial`); or once so many bytes of audio have arrived. The message that reaches them gets no answer.
 */
export type LivePoint = 'open' | 'midWord' | { readonly audioBytes: number };

/** What goes wrong with a live stream, of v1 or Flux. `at` is always `open` by default. */
export type LiveFault =
  | {
      /** The handshake is refused, with the headers `dg-error` and `dg-request-id`. */
      readonly kind: 'handshake';
      /** 400 to 599. */
      readonly status: number;
      /** The text of `dg-error`. */
      readonly message?: string;
      /** The header `Retry-After`. Default: no such header. */
      readonly retryAfter?: number | string;
    }
  /** The handshake is answered so many milliseconds late. */
  | { readonly kind: 'slowOpen'; readonly ms: number }
  /** The connection breaks without a close frame: the client sees 1006. */
  | { readonly kind: 'drop'; readonly at?: LivePoint }
  /** Default reason: what Deepgram says for `NET-0000` with 1011 and `DATA-0000` with 1008, nothing otherwise. */
  | { readonly kind: 'close'; readonly code: number; readonly reason?: string; readonly at?: LivePoint }
  /** Nothing is read or sent any more, pings included, and the connection stays open. */
  | { readonly kind: 'halfOpen'; readonly at?: LivePoint }
  /** Nothing is read any more, pings included. What the audio before gives is still sent. */
  | { readonly kind: 'stopReading'; readonly at?: LivePoint }
  /** A text that is no JSON is sent. Default `{"type":"Results",`. */
  | { readonly kind: 'invalidJson'; readonly text?: string; readonly at?: LivePoint }
  /** A message is sent that no client knows. Default `{"type":"Novelty"}`. */
  | { readonly kind: 'unknownMessage'; readonly message?: object; readonly at?: LivePoint }
  /**
   * Final results, or the end of a turn, are held back for so many milliseconds on the emulator's clock. Default:
   * until the client sends CloseStream. They come before Metadata and before a close.
   */
  | { readonly kind: 'lateFinals'; readonly ms?: number }
  /** The answer to Finalize comes without `from_finalize: true`. */
  | { readonly kind: 'plainFinalize' };

export type LiveFaultKind = LiveFault['kind'];

/** A fault, or short for one: the status of a handshake, or the kind of one that needs no settings. */
export type LiveFaultInput = LiveFault | number | Exclude<LiveFaultKind, 'handshake' | 'slowOpen' | 'close'>;
