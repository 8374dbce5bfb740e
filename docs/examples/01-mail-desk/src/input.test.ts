import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from './corpus.ts';
import { openInput } from './input.ts';
import { readMail } from './mail-entry.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mail-desk-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function refusal(path: string): Promise<unknown> {
  return openInput(path).then(
    () => 'accepted',
    (error: unknown) => error,
  );
}

const SEPARATOR = 'From ann@example.org Thu Aug 22 12:36:23 2002';

describe('openInput', () => {
  it('reads .jsonl with labels, a byte order mark, empty lines and names that are no ids', async () => {
    const lines = ['{"id":"one","raw":"A: 1","label":"spam"}', '', '{"id":"Two!","raw":"A: 2"}', ''];
    const entries = await openInput(await written('good.jsonl', `\uFEFF${lines.join('\r\n')}`));
    expect(entries).toEqual([
      { id: 'one', group: 'good', label: 'spam', content: { kind: 'inline', raw: 'A: 1' } },
      {
        id: expect.stringMatching(/^two-[0-9a-f]{8}$/),
        name: 'Two!',
        group: 'good',
        content: { kind: 'inline', raw: 'A: 2' },
      },
    ]);
  });

  it('reads an mbox in its order', async () => {
    const entries = await openInput(
      await written('inbox.mbox', `${SEPARATOR}\nA: 1\n\n\n${SEPARATOR}\nA: 2\n`),
    );
    expect(entries.map(({ id }) => id)).toEqual(['inbox-00001', 'inbox-00002']);
    expect(Buffer.from((await readMail(entries[1]!)).raw).toString()).toBe('A: 2\n');
  });

  it('reads the .eml files of a folder by name and leaves others alone', async () => {
    await mkdir(join(folder, 'mails'));
    await written('mails/b.eml', 'A: b');
    await written('mails/a note.EML', 'A: a');
    await written('mails/readme.txt', 'no mail');
    const entries = await openInput(join(folder, 'mails'));
    expect(entries.map(({ id, name }) => [id, name])).toEqual([
      [expect.stringMatching(/^a-note-/), 'a note'],
      ['b', undefined],
    ]);
    expect((await readMail(entries[1]!)).raw.toString()).toBe('A: b');
  });

  it('says that a path does not exist', async () => {
    expect(await refusal(join(folder, 'nowhere.jsonl'))).toMatchObject({ code: 'input-not-found', exit: 2 });
  });

  it('says that a folder holds no mail, and that a file is empty', async () => {
    await mkdir(join(folder, 'void'));
    expect(await refusal(join(folder, 'void'))).toMatchObject({
      code: 'input-empty',
      message: expect.stringContaining('no .eml'),
    });
    expect(await refusal(await written('void.jsonl', '\n'))).toMatchObject({ code: 'input-empty' });
    expect(await refusal(await written('void.mbox', ''))).toMatchObject({ code: 'input-empty' });
  });

  it('says that it does not know the kind of file', async () => {
    expect(await refusal(await written('mail.pdf', 'x'))).toMatchObject({ code: 'input-kind-unknown' });
  });

  it('says that a file is no mbox', async () => {
    const error = await refusal(await written('not.mbox', 'Subject: hello\n'));
    expect(error).toMatchObject({ code: 'input-line-malformed', details: { line: 1 } });
  });

  it('names the line of a malformed line', async () => {
    const error = await refusal(await written('broken.jsonl', '{"id":"a","raw":"x"}\n{"id":\n'));
    expect(error).toMatchObject({ code: 'input-line-malformed', details: { line: 2 } });
  });

  it('names both places of a duplicate id', async () => {
    const error = await refusal(
      await written('twice.jsonl', '{"id":"a","raw":"x"}\n\n{"id":"a","raw":"y"}\n'),
    );
    expect(error).toMatchObject({
      code: 'input-id-duplicate',
      message: expect.stringMatching(/line 3: .*"a".*line 1;/),
    });
  });
});

describe('readMail', () => {
  it('says that a file has vanished since', async () => {
    const entry = { id: 'a', group: 'g', content: { kind: 'file', path: join(folder, 'gone.eml') } } as const;
    await expect(readMail(entry)).rejects.toMatchObject({ code: 'mail-unreadable', details: { mail: 'a' } });
  });
});

describe('openCorpus with own input', () => {
  it('has one phase in the order of the input, whatever the seed', async () => {
    const lines = Array.from({ length: 9 }, (_, at) => JSON.stringify({ id: `m${at}`, raw: 'A: b' }));
    const input = await written('nine.jsonl', lines.join('\n'));
    const { phases, source } = await openCorpus({ seed: 5, input, limit: 4 });
    expect(source).toBe(input);
    expect(phases).toHaveLength(1);
    expect(phases[0]?.entries.map(({ id }) => id)).toEqual(['m0', 'm1', 'm2', 'm3']);
  });
});
