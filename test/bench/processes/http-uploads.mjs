// @ts-check
// Uploads of `bytes` each, `count` at the same time. Reports how many were answered with 200.
import { Agent, request } from 'node:http';
import { parameters, report } from '../processes.mjs';

const CHUNK = Buffer.alloc(65_536);

const { url, count, bytes } = parameters();
const agent = new Agent({ keepAlive: false });
const statuses = await Promise.all(Array.from({ length: count }, upload));
report({ answered: statuses.filter((status) => status === 200).length });

function upload() {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'audio/wav', 'content-length': bytes };
    const outgoing = request(
      `${url}/transcribe?mode=sync`,
      { method: 'POST', agent, headers },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      },
    );
    outgoing.once('error', reject);
    let left = bytes;
    const write = () => {
      while (left > 0) {
        const chunk = CHUNK.subarray(0, left);
        left -= chunk.length;
        if (!outgoing.write(chunk)) return outgoing.once('drain', write);
      }
      return outgoing.end();
    };
    write();
  });
}
