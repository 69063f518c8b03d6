import type { ResolvedSource } from './contracts/index.js';
import type { ResolvedOptions } from './options.js';
import { CallbackBodies } from './queue/callback-body.js';
import { CallbackSecrets } from './queue/callback-secrets.js';
import type { AttemptContext, AttemptOptions, CallbackDeps } from './queue/context.js';
import type { SpendGuard } from './resilience/spend-guard.js';
import type { TranscribeCall } from './sync/call.js';
import type { Submitter } from './sync/submit.js';

export interface CallbackParts {
  readonly options: ResolvedOptions;
  readonly submit: Submitter;
  /** One attempt of a job, its options settled. */
  readonly jobCall: (
    source: ResolvedSource,
    options: AttemptOptions,
    context: AttemptContext,
  ) => TranscribeCall;
  readonly spend: SpendGuard;
}

/** What jobs with `delivery: 'callback'` need. Undefined where the client has no route for callbacks. */
export function createCallbacks({
  options,
  submit,
  jobCall,
  spend,
}: CallbackParts): CallbackDeps | undefined {
  if (options.callback === undefined) return undefined;
  const { url, secrets, timeoutMs, maxBodyBytes } = options.callback;
  return {
    timeoutMs,
    bodies: new CallbackBodies(maxBodyBytes, options.clock),
    secrets: new CallbackSecrets(secrets),
    async submit(source, attemptOptions, context, secret) {
      const call = jobCall(source, attemptOptions, context);
      return { requestId: await submit(call, { url, secret }), region: call.region.name };
    },
    billed({ userId, data }, { durationSeconds, channels, model }) {
      const billed = durationSeconds * (data.options.multichannel === true ? channels.length : 1);
      const announced = data.durationSeconds ?? 0;
      if (billed > announced) void countSpent(spend, { userId, model }, billed - announced);
    },
    model: options.defaults.model,
    region: options.regions[0].name,
  };
}

/** The audio has been processed: what the guard would say to it now is of no importance. */
async function countSpent(
  spend: SpendGuard,
  { userId, model }: { readonly userId: string | undefined; readonly model: string },
  seconds: number,
): Promise<void> {
  if (!spend.isOn) return;
  const facts = { mode: 'async', source: 'url', model, durationSeconds: 0 } as const;
  const ticket = await spend
    .enter({ ...facts, ...(userId === undefined ? {} : { userId }) })
    .catch(() => undefined);
  ticket?.settle(seconds);
}
