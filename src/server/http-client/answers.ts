/** What tells an answer of this API from one of something else, such as a proxy or another server. */
export type AnswerCheck = (fields: Readonly<Record<string, unknown>>) => boolean;

export const isTranscript: AnswerCheck = ({ id, text }) => isText(id) && typeof text === 'string';

export const isTranscribeAnswer: AnswerCheck = ({ mode, transcript, jobId, url, token }) => {
  if (mode === 'sync') return isTranscript({ ...(transcript as object) });
  return mode === 'async' ? isText(jobId) : mode === 'stream' && isText(url) && isText(token);
};

export const isJob: AnswerCheck = ({ id, state }) => isText(id) && isText(state);

export const isToken: AnswerCheck = ({ token, expiresInSeconds }) =>
  isText(token) && typeof expiresInSeconds === 'number';

export const isHealth: AnswerCheck = ({ status }) =>
  status === 'ok' || status === 'degraded' || isDown({ status });

export const isDown: AnswerCheck = ({ status }) => status === 'down';

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
