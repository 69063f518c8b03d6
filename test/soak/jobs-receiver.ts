import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { verifyWebhook, type WebhookEvent } from 'transcription-client';
import type { Dice } from './dice.js';
import { SECRET } from './jobs-lines.js';

/** Messages whose first attempt the receiver lets fail. A second failure would mean a wait of minutes. */
const FAILING_SHARE = 0.15;

/** A receiver of webhooks, which lets some attempts fail. */
export class JobsReceiver implements AsyncDisposable {
  /** What has come, by the id of its message. */
  readonly events = new Map<string, WebhookEvent[]>();
  /** What was no webhook, or signed by somebody else. */
  readonly problems: unknown[] = [];
  /** Ids of messages that were let fail. */
  readonly failed = new Set<string>();
  readonly #dice: Dice;
  readonly #server: Server;
  #isFailing = true;

  private constructor(dice: Dice) {
    this.#dice = dice;
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  static async start(dice: Dice): Promise<JobsReceiver> {
    const receiver = new JobsReceiver(dice);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks`;
  }

  /** Takes everything from now on. */
  heal(): void {
    this.#isFailing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await text(request);
      const event = await verifyWebhook({ headers: request.headers, body, secret: SECRET });
      const known = this.events.get(event.id);
      if (this.#isFailing && known === undefined && !this.failed.has(event.id) && this.#fails(event.id)) {
        return this.#fail(response);
      }
      if (known === undefined) this.events.set(event.id, [event]);
      else known.push(event);
      response.writeHead(204).end();
    } catch (error) {
      // One that was killed while it sent breaks off.
      if (!request.complete) return;
      this.problems.push(error);
      response.writeHead(400).end();
    }
  }

  #fails(id: string): boolean {
    if (!this.#dice.chance(FAILING_SHARE)) return false;
    this.failed.add(id);
    return true;
  }

  #fail(response: ServerResponse): void {
    const status = this.#dice.oneOf([500, 503, 302, 0]);
    if (status === 0) response.destroy();
    else response.writeHead(status, { location: this.url }).end();
  }
}
