import type { HttpSettings } from '../options.js';
import { answer, jsonAnswer, problems } from './answers.js';
import type { Json } from './json.js';

const ID = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Id of the job.',
  schema: { type: 'string' },
};

export function jobOperation(settings: HttpSettings): Json {
  return {
    operationId: 'getJob',
    summary: 'How a job is.',
    parameters: [ID],
    responses: {
      200: jsonAnswer('The job at this moment.', 'JobStatus'),
      ...problems(settings, [404, 503]),
    },
  };
}

export function cancelJobOperation(settings: HttpSettings): Json {
  return {
    operationId: 'cancelJob',
    summary: 'Cancels a job that has not ended.',
    parameters: [ID],
    responses: {
      200: jsonAnswer('The cancelled job.', 'JobStatus'),
      ...problems(settings, [404, 409, 503]),
    },
  };
}

export function jobEventsOperation(settings: HttpSettings): Json {
  return {
    operationId: 'followJob',
    summary: 'Follows a job: its present state, then each change.',
    parameters: [
      ID,
      {
        name: 'last-event-id',
        in: 'header',
        description: 'Id of the last event that you have, which is then not told again.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: answer('Server-sent events, until the job has ended.', {
        content: { 'text/event-stream': { schema: EVENTS } },
      }),
      204: answer('The event that you have is the last one. Do not come again.'),
      ...problems(settings, [404, 429, 503]),
    },
  };
}

const EVENTS = {
  type: 'string',
  description:
    'The name of each event is its type, such as `completed`; its data is a JobEvent as JSON, on one line. `progress` ' +
    'has no id. Lines that begin with a colon are signs of life.',
};
