import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { AbortedError, BadRequestError, QueueError } from '../../errors/index.js';
import { entry, type QueueClause, type QueueRig, type Run } from './queue-rig.js';

/** Ends the run, to be run again later, as soon as its signal aborts. */
function obey(run: Run): void {
  run.signal.addEventListener('abort', () => run.end({ type: 'again', delayMs: 0 }), { once: true });
}

async function ofOneRun(rig: QueueRig) {
  const worker = rig.start();
  await rig.add('a', 'b');
  return { worker, run: await rig.run(0) };
}

/** The life of workers, and the end of the queue. */
export const workerClauses: readonly QueueClause[] = [
  {
    rule: 'queue 24: a second worker is refused with a QueueError until the first is closed',
    async check(rig) {
      const worker = rig.start();
      throws(
        () => rig.start(),
        (error) => error instanceof QueueError,
      );
      await rig.close(worker, 0);
      rig.start();
      await rig.add('a');
      await rig.drain(1);
    },
  },
  {
    rule: 'queue 25: a worker that is closing waits for what runs, without an abort before its time is up',
    async check(rig) {
      const { worker, run } = await ofOneRun(rig);
      let closed = false;
      const closing = worker.close({ timeoutMs: 2000 }).then(() => {
        closed = true;
      });
      await rig.time.pass(300);
      deepEqual({ aborted: run.signal.aborted, closed }, { aborted: false, closed: false });
      run.end();
      await closing;
      equal(run.signal.aborted, false);
    },
  },
  {
    rule: 'queue 26: a worker that is closing or closed begins no more entries, and they are kept',
    async check(rig) {
      const { worker, run } = await ofOneRun(rig);
      const closing = worker.close({ timeoutMs: 2000 });
      run.end();
      await closing;
      await rig.add('c');
      await rig.time.settle();
      deepEqual(rig.ids, ['a']);
      await rig.depth({ waiting: 2, delayed: 0, active: 0 });
      rig.start();
      await rig.drain(3);
    },
  },
  {
    rule: 'queue 27: when its time is up a closing worker aborts what runs with an AbortedError client_closed',
    async check(rig) {
      const worker = rig.start(2);
      await rig.add('a', 'b');
      const runs = [await rig.run(0), await rig.run(1)];
      for (const run of runs) obey(run);
      await rig.close(worker, 200);
      for (const { signal } of runs) {
        const reason: unknown = signal.reason;
        equal(reason instanceof AbortedError && reason.code, 'client_closed');
      }
    },
  },
  {
    rule: 'queue 28: an entry that a closing worker aborted, with the outcome again, runs at the next worker',
    async check(rig) {
      const worker = rig.start();
      await rig.add('a');
      obey(await rig.run(0));
      await rig.close(worker, 100);
      rig.start();
      await rig.drain(2);
      deepEqual(rig.ids, ['a', 'a']);
    },
  },
  {
    rule: 'queue 29: a closing worker does not wait for ever for a handler that heeds no abort',
    async check(rig) {
      const { worker, run } = await ofOneRun(rig);
      await rig.close(worker, 100);
      equal(run.signal.aborted, true);
      run.end();
    },
  },
  {
    rule: 'queue 30: of two closes of a worker the first counts, and both wait for the end',
    async check(rig) {
      const { worker, run } = await ofOneRun(rig);
      let closed = 0;
      const count = (): void => {
        closed += 1;
      };
      const closing = [
        worker.close({ timeoutMs: 2000 }).then(count),
        worker.close({ timeoutMs: 0 }).then(count),
      ];
      await rig.time.pass(200);
      deepEqual({ aborted: run.signal.aborted, closed }, { aborted: false, closed: 0 });
      run.end();
      await Promise.all(closing);
    },
  },
  {
    rule: 'queue 31: close of a worker with options out of range is a BadRequestError and changes nothing',
    async check(rig) {
      const worker = rig.start();
      for (const timeoutMs of [-1, Number.NaN]) {
        await rejects(worker.close({ timeoutMs }), (error) => error instanceof BadRequestError);
      }
      await rig.add('a');
      await rig.drain(1);
    },
  },
  {
    rule: 'queue 32: close of the queue aborts what runs with an AbortedError client_closed',
    async check(rig) {
      const { run } = await ofOneRun(rig);
      obey(run);
      await rig.subject.end(rig.queue);
      const reason: unknown = run.signal.reason;
      equal(reason instanceof AbortedError && reason.code, 'client_closed');
    },
  },
  {
    rule: 'queue 33: add rejects once the queue is closed',
    async check(rig) {
      await rig.add('a');
      await rig.subject.end(rig.queue);
      await rejects(rig.add('b'));
    },
  },
  {
    rule: 'queue 45: a worker that is closed without a timeoutMs waits 10 seconds before it aborts',
    needs: ['clock'],
    async check(rig) {
      const { worker, run } = await ofOneRun(rig);
      obey(run);
      const closing = worker.close();
      await rig.time.pass(9900);
      equal(run.signal.aborted, false);
      await rig.time.pass(200);
      equal(run.signal.aborted, true);
      await closing;
    },
  },
  {
    rule: 'queue 46: once the queue is closed no more entries run, nor those whose delay ends later',
    async check(rig) {
      const { run } = await ofOneRun(rig);
      await rig.queue.add([entry('late', { delayMs: 100 })]);
      obey(run);
      await rig.subject.end(rig.queue);
      await rig.time.pass(200);
      await rig.time.settle();
      deepEqual(rig.ids, ['a']);
    },
  },
  {
    rule: 'queue 47: close of the queue does not wait for ever for a handler that heeds no abort',
    async check(rig) {
      const { run } = await ofOneRun(rig);
      await rig.subject.end(rig.queue);
      equal(run.signal.aborted, true);
      run.end();
    },
  },
];
