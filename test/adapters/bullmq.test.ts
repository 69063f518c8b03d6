import { createBullmqQueue } from 'transcription-client/bullmq';
import { describe } from 'vitest';
import { contract, redisRig } from './bullmq-rig.js';

const rig = redisRig({ appendonly: 'yes', appendfsync: 'no' });

describe('BullMQ on Redis', () =>
  contract((name) => createBullmqQueue({ connection: rig.server.url, name })));
