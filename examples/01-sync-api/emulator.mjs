#!/usr/bin/env node
// @ts-check
// Stands in for Deepgram where there is no key, with one recording to transcribe.
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';

const emulator = await startDeepgramEmulator({ port: Number(process.env.PORT ?? 8080) });
const { audio } = synthesizeSpeech('hello from the emulator');
console.log(`A recording is at ${emulator.serveAudio(audio, { path: '/hello.wav' })}`);

process.once('SIGTERM', () => emulator.close());
process.once('SIGINT', () => emulator.close());
