import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Chromium, startChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.mjs';
import type { ExampleApp, ExampleBuild } from './nextjs-app.js';

/** How the processes of the example start and end. */
export function processTests(build: () => ExampleBuild): void {
  describe('the processes of the Next.js example', { timeout: 120_000 }, () => {
    let folder: string;
    let browser: Chromium | undefined;
    const sockets: Socket[] = [];
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'nextjs-data-'));
    });
    afterEach(async () => {
      await browser?.close();
      browser = undefined;
      for (const socket of sockets.splice(0)) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    });

    it('end in order while a page follows a job of the sample, and go on with it after a restart', async () => {
      const ports = await Promise.all([freePort(), freePort()]);
      const env = { DATA_FOLDER: folder, PORT: String(ports[0]), EMULATOR_PORT: String(ports[1]) };
      const before = await build().start({ env: { ...env, EMULATOR_MS: '60000' } });
      browser = await startChromium();
      await browser.open(before.url);
      await browser.waitFor(`document.querySelector('#sample:not(:disabled)') !== null`);
      await browser.evaluate(`document.querySelector('#sample').click()`);
      await browser.evaluate(`document.querySelector('[value=async]').click()`);
      await browser.evaluate(`document.querySelector('#submit').click()`);
      await browser.waitFor(`document.querySelector('[aria-current=step]')?.textContent === 'Listening'`);
      expect(await before.stop()).toEqual({ code: 0, signal: null });
      expect(before.output()).toMatch(/Closed\n$/);
      expect(before.output()).not.toContain('is killed');

      await build().start({ env: { ...env, EMULATOR_MS: '0' } });
      await browser.waitFor(`document.querySelector('.word')?.textContent === 'This'`);
    });

    it('are killed where somebody keeps them for too long', async () => {
      const app = await build().start({ env: { DATA_FOLDER: folder } });
      sockets.push(await keepOpen(app));
      expect(await app.stop()).toEqual({ code: 0, signal: null });
      expect(app.output()).toMatch(/^Next\.js is killed\.\nClosed\n$/m);
    });

    it('end at once by a second signal', async () => {
      const app = await build().start({ env: { DATA_FOLDER: folder } });
      sockets.push(await keepOpen(app));
      app.signal('SIGINT');
      // Some shells give the same Ctrl-C twice.
      app.signal('SIGINT');
      await pause(1500);
      expect(app.output()).not.toContain('is killed');
      const secondAt = performance.now();
      app.signal('SIGINT');
      expect(await app.ended()).toEqual({ code: 0, signal: null });
      expect(performance.now() - secondAt).toBeLessThan(5000);
      expect(app.output()).toContain('Next.js is killed.');
    });

    it('end where npm alone is told to', async () => {
      const app = await build().start({ byNpm: true, env: { DATA_FOLDER: folder } });
      await app.stop();
      await vi.waitFor(() => expect(app.output()).toMatch(/Closed\n$/), 10_000);
      await expect(fetch(app.url)).rejects.toThrow();
    });

    it.each(['PORT', 'BRIDGE_PORT', 'EMULATOR_PORT'])('say so where %s is taken', async (name) => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      const { code, output } = await build().run({ env: { DATA_FOLDER: folder, [name]: String(port) } });
      expect(output).toBe(`Port ${port} is taken. Set ${name} to another one.\n`);
      expect(code).toBe(1);
      server.close();
    });

    it.each([
      ['PORT', 'BRIDGE_PORT'],
      ['BRIDGE_PORT', 'EMULATOR_PORT'],
      ['PORT', 'EMULATOR_PORT'],
    ])('say so where %s and %s are one', async (one, other) => {
      const port = String(await freePort());
      const { code, output } = await build().run({ env: { [one]: port, [other]: port } });
      expect(output).toBe(`Port ${port} is taken. Set ${other} to another one.\n`);
      expect(code).toBe(1);
    });

    it('say so where this machine has no such address', async () => {
      const { code, output } = await build().run({ env: { HOST: '203.0.113.5' } });
      expect(output).toBe('203.0.113.5 is no address of this machine. Set HOST to one that is.\n');
      expect(code).toBe(1);
    });
  });
}

/** A connection whose request never comes to its end, so that it is never idle. */
async function keepOpen({ url }: ExampleApp): Promise<Socket> {
  const socket = openSocket(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  await new Promise((resolve) => socket.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n', resolve));
  // What comes later is answered later: by then the server knows of the other one.
  await fetch(url);
  return socket;
}
