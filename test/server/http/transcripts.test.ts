import { createMemoryStorage, type Transcript, toSrt, toVtt } from 'transcription-client';
import { encodeWav, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { type HttpRig, problemOf, startHttpRig } from './rig.js';

const { audio } = synthesizeSpeech('grüße an alle');

async function stored(): Promise<{
  readonly rig: HttpRig;
  readonly transcript: Transcript;
  readonly path: string;
}> {
  const rig = await startHttpRig();
  const transcript = await rig.client.transcribe(audio, {
    userId: 'ada',
    store: true,
    metadata: { room: 7 },
  });
  return { rig, transcript, path: `/transcripts/${transcript.id}` };
}

describe('GET /transcripts/:id', () => {
  it('is the transcript as it is stored', async () => {
    const { rig, path, transcript } = await stored();
    await using _ = rig;
    for (const ending of ['', '.json']) {
      const response = await rig.fetch(`${path}${ending}`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('cache-control')).toBe('private, no-cache');
      expect(response.headers.get('content-disposition')).toBeNull();
      const body = await response.json();
      expect(body).toEqual(await rig.client.transcripts.get(transcript.id));
      expect(body).toMatchObject({ text: 'grüße an alle', userId: 'ada', metadata: { room: 7 } });
    }
  });

  it.each([
    ['txt', 'text/plain;charset=utf-8', (transcript: Transcript) => transcript.text],
    ['srt', 'application/x-subrip', toSrt],
    ['vtt', 'text/vtt', toVtt],
  ])('is written as .%s', async (name, contentType, write) => {
    const { rig, path, transcript } = await stored();
    await using _ = rig;
    const response = await rig.fetch(`${path}.${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(contentType);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString('utf8')).toBe(write(transcript));
    expect(bytes.toString('utf8')).toContain('grüße');
  });

  it.each(['', '.json', '.txt', '.srt', '.vtt'])(
    'is saved as a file with ?download, named after it (%s)',
    async (ending) => {
      const { rig, path, transcript } = await stored();
      await using _ = rig;
      for (const query of ['?download', '?download=%22%0d%0aset-cookie:a=b']) {
        const response = await rig.fetch(`${path}${ending}${query}`);
        expect(response.headers.get('content-disposition')).toBe(
          `attachment; filename="${transcript.id}${ending || '.json'}"`,
        );
        expect(response.headers.get('set-cookie')).toBeNull();
      }
    },
  );

  it.each(['.pdf', '.', '.JSON', '.srt.bak', '.json%00', '.__proto__', '.constructor'])(
    'is not there with the ending %s',
    async (ending) => {
      const { rig, path } = await stored();
      await using _ = rig;
      const response = await rig.fetch(`${path}${ending}`);
      expect(response.status).toBe(404);
      expect(await problemOf(response)).toMatchObject({
        code: 'not_found',
        detail: 'There is no such transcript.',
      });
    },
  );

  it('answers HEAD like GET, without the body', async () => {
    const { rig, path } = await stored();
    await using _ = rig;
    const [head, get] = [await rig.fetch(`${path}.vtt`, { method: 'HEAD' }), await rig.fetch(`${path}.vtt`)];
    for (const name of ['etag', 'content-type', 'cache-control']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  });
});

describe('the ETag', () => {
  it('is strong, the same as long as the bytes are, and another one for each format', async () => {
    const { rig, path } = await stored();
    await using _ = rig;
    const tagOf = async (ending: string) => (await rig.fetch(`${path}${ending}`)).headers.get('etag');
    const tags = await Promise.all(['.json', '.txt', '.srt', '.vtt'].map(tagOf));
    for (const tag of tags) expect(tag).toMatch(/^"[\w-]+"$/);
    expect(new Set(tags).size).toBe(4);
    expect(await tagOf('.json')).toBe(tags[0]);
    expect(await tagOf('')).toBe(tags[0]);
    const other = await rig.client.transcribe(audio, { userId: 'ada', store: true });
    expect((await rig.fetch(`/transcripts/${other.id}`)).headers.get('etag')).not.toBe(tags[0]);
  });

  it('is another one for each format also where nothing was said, and all of them are empty', async () => {
    await using rig = await startHttpRig();
    const silence = encodeWav(new Int16Array(16_000), { sampleRate: 16_000, channels: 1 });
    const { id } = await rig.client.transcribe(silence, { userId: 'ada', store: true });
    const [txt, srt] = [await rig.fetch(`/transcripts/${id}.txt`), await rig.fetch(`/transcripts/${id}.srt`)];
    expect([await txt.text(), await srt.text()]).toEqual(['', '']);
    expect(txt.headers.get('etag')).not.toBe(srt.headers.get('etag'));
  });

  it('changes with the record', async () => {
    const storage = createMemoryStorage();
    await using rig = await startHttpRig({ client: { storage } });
    const { id } = await rig.client.transcribe(audio, { userId: 'ada', store: true });
    const before = (await rig.fetch(`/transcripts/${id}.txt`)).headers.get('etag') ?? '';
    const record = await storage.get('transcripts', id);
    if (record === undefined) throw new Error('The transcript is not stored.');
    const { version: _version, ...input } = record;
    await storage.put({ ...input, data: { ...(record.data as object), text: 'grüße an niemanden' } });
    const response = await rig.fetch(`/transcripts/${id}.txt`, { headers: { 'if-none-match': before } });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('grüße an niemanden');
  });

  it.each([
    ['itself', (tag: string) => tag, 304],
    ['itself, weak', (tag: string) => `W/${tag}`, 304],
    ['a list', (tag: string) => `"a", W/"b,c" ,${tag}`, 304],
    ['any', () => ' * ', 304],
    ['another', () => '"another"', 200],
    ['itself without quotes', (tag: string) => tag.slice(1, -1), 200],
    ['a part of it', (tag: string) => `${tag.slice(0, -2)}"`, 200],
    ['nothing', () => '', 200],
    ['a star in quotes', () => '"*"', 200],
    ['something broken', (tag: string) => `"${tag.slice(1, -1)}`, 200],
  ])('in If-None-Match as %s', async (_what, header, status) => {
    const { rig, path } = await stored();
    await using _ = rig;
    const tag = (await rig.fetch(path)).headers.get('etag') ?? '';
    for (const method of ['GET', 'HEAD']) {
      const response = await rig.fetch(path, { method, headers: { 'if-none-match': header(tag) } });
      expect(response.status).toBe(status);
      expect(response.headers.get('etag')).toBe(tag);
      expect(response.headers.get('cache-control')).toBe('private, no-cache');
      if (status === 304) expect(await response.text()).toBe('');
    }
  });

  it('of another format is none of this one', async () => {
    const { rig, path } = await stored();
    await using _ = rig;
    const tag = (await rig.fetch(`${path}.srt`)).headers.get('etag') ?? '';
    expect((await rig.fetch(`${path}.vtt`, { headers: { 'if-none-match': tag } })).status).toBe(200);
  });
});
