import type { ClientEvent } from 'transcription-client';
import { createPrometheus } from 'transcription-client/prometheus';

/** One sample of Prometheus's text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|(?=}))/;
const SUFFIXES = /_(bucket|sum|count)$/;

/**
 * Reads the text format 0.0.4 as strictly as it is described: each sample below the HELP and TYPE of its own family, no
 * family and no series twice. Throws an Error that shows the line.
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const series = new Set<string>();
  let current = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(name)) throw new Error(`Twice: ${line}`);
      families.set(name, { type: '', help: rest, samples: [] });
      current = name;
    } else if (kind === 'TYPE') {
      const family = families.get(name);
      if (family === undefined || name !== current || family.type !== '' || family.samples.length > 0) {
        throw new Error(`Out of place: ${line}`);
      }
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`No type: ${line}`);
      family.type = rest;
    } else {
      const sample = parseSample(line);
      const family = families.get(current);
      const familyName =
        family?.type === 'histogram' || family?.type === 'summary'
          ? sample.name.replace(SUFFIXES, '')
          : sample.name;
      if (family === undefined || family.type === '' || familyName !== current) {
        throw new Error(`Out of place: ${line}`);
      }
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (series.has(key)) throw new Error(`Twice: ${line}`);
      series.add(key);
      family.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`No name: ${line}`);
  const labels: Record<string, string> = {};
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const [whole, label, value] = LABEL.exec(rest) ?? [];
      if (whole === undefined || label === undefined || Object.hasOwn(labels, label)) {
        throw new Error(`No label: ${line}`);
      }
      labels[label] = (value as string).replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char));
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  const value = /^ ([+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Inf)|NaN)$/i.exec(rest)?.[1];
  if (value === undefined) throw new Error(`No value: ${line}`);
  return { name, labels, value: /inf/i.test(value) ? Number(`${value[0]}Infinity`) : Number(value) };
}

/** The value of one series. Undefined where it is not there. */
export function sampleOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = [...parseMetrics(text)].find(
    ([familyName]) => familyName === name || familyName === name.replace(SUFFIXES, ''),
  );
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return family?.[1].samples.find(
    (sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  )?.value;
}

/** All series of a family, as `label=value,…: value`, sorted. */
export function seriesOf(text: string, name: string): readonly string[] {
  const samples = parseMetrics(text).get(name)?.samples ?? [];
  return samples
    .map(
      ({ labels, value }) =>
        `${Object.entries(labels)
          .map((pair) => pair.join('='))
          .join(',')}: ${value}`,
    )
    .sort();
}

let calls = 0;

type Mode = 'sync' | 'async' | 'stream';

/** The events of one attempt of a job, or of one call. */
export function call(
  status: 'success' | 'error' | 'cancelled',
  {
    mode = 'sync' as Mode,
    jobId = undefined as string | undefined,
    model = 'nova-3',
    region = 'us',
    durationMs = 700,
  } = {},
): [ClientEvent, ClientEvent] {
  calls += 1;
  const fields = { callId: `call_${calls}`, mode, model, region, ...(jobId !== undefined && { jobId }) };
  return [
    { type: 'request-start', source: 'url', ...fields },
    {
      type: 'request-end',
      status,
      durationMs,
      waitedMs: 5000,
      attempts: 1,
      ...(status === 'success' && { audioSeconds: 10 }),
      ...fields,
    },
  ];
}

export function job(
  jobId: string,
  state: 'queued' | 'active' | 'completed' | 'failed' | 'cancelled',
): ClientEvent {
  return { type: 'job', jobId, state, attempt: 1, model: 'nova-3' };
}

export function route(mode: Mode, rule: string): ClientEvent {
  const load = { saturated: false, waiting: 0, regionFailing: false };
  return {
    type: 'route',
    mode,
    rule,
    facts: { live: false, queueable: true, allowAsync: false, load, userId: 'CANARY-user' },
  };
}

export function counted(
  events: readonly ClientEvent[],
  options: Parameters<typeof createPrometheus>[0] = {},
) {
  const prometheus = createPrometheus({ defaultMetrics: false, ...options });
  for (const event of events) prometheus.onEvent(event);
  return prometheus;
}

/** The metrics that are always there. */
export const NAMES = [
  'transcription_requests_total',
  'transcription_latency_seconds',
  'transcription_queue_depth',
  'deepgram_active_connections',
];
