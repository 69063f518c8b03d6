import { createBullmqPostgresQueue } from 'transcription-client/bullmq';
import { afterAll, beforeAll, describe } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';
import { contract } from './bullmq-rig.js';

let server: PostgresServer;
let url: string;

beforeAll(async () => {
  server = await startPostgres({ max_connections: '200', fsync: 'off', synchronous_commit: 'off' });
  url = await server.createDatabase();
}, 60_000);

afterAll(() => server.close(), 60_000);

describe('BullMQ on PostgreSQL', () =>
  contract((name) => createBullmqPostgresQueue({ connectionString: url, name })));
