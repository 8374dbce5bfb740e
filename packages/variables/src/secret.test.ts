import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { customVariable } from './constructors.ts';
import { defaultSecrets, environmentSecrets, folderSecrets, resolveSecrets } from './secret.ts';
import { validateValue } from './value.ts';

const missing = expect.objectContaining({ code: 'secret-missing' });

describe('a reference to a secret', () => {
  const free = customVariable('login', { initial: {} });

  it('may stand anywhere in a free value', () => {
    const value = { user: 'ada', password: { $secret: 'mail-password' }, keys: [{ $secret: 'k1' }] };
    expect(validateValue(free, value)).toEqual({ kind: 'valid', value });
    expect(validateValue(free, { $secret: 'whole' }).kind).toBe('valid');
  });

  it.each([
    ['a name that is none', { a: { $secret: '../../etc/passwd' } }, 'value.a'],
    ['a name that is no text', [{ $secret: 1 }], 'value[0]'],
    ['company', { $secret: 'k', default: 'open sesame' }, 'value'],
  ])('is refused with %s', (_, value, field) => {
    expect(validateValue(free, value)).toMatchObject({ kind: 'invalid', code: 'out-of-domain', field });
  });

  it('does not pass for a number or a word of the domain', () => {
    const port = customVariable('port', { initial: 1, min: 1 });
    expect(validateValue(port, { $secret: 'port' })).toMatchObject({ code: 'out-of-domain' });
  });
});

describe('resolving', () => {
  const value = { user: 'ada', password: { $secret: 'mail-password' }, keys: [{ $secret: 'k1' }, null, 3] };

  it('replaces every reference in a new value and leaves the old one as it was', async () => {
    const before = structuredClone(value);
    const environment = { MABEAM_SECRET_MAIL_PASSWORD: 'sesame', MABEAM_SECRET_K1: 'one' };
    expect(await resolveSecrets(value, environmentSecrets(environment))).toEqual({
      user: 'ada',
      password: 'sesame',
      keys: ['one', null, 3],
    });
    expect(value).toEqual(before);
  });

  it('names a secret that is not there, and none that is', async () => {
    const failure = resolveSecrets(value, environmentSecrets({ MABEAM_SECRET_MAIL_PASSWORD: 'sesame' }));
    await expect(failure).rejects.toThrowError(missing);
    await expect(failure).rejects.toThrowError(/"k1"/);
    await expect(failure).rejects.not.toThrowError(/sesame/);
  });

  it('reads a folder of files, and the environment before it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
    try {
      await writeFile(join(folder, 'k1'), 'from a file\n\n');
      await writeFile(join(folder, 'mail-password'), 'from a file');
      const environment = { MABEAM_SECRETS_DIR: folder, MABEAM_SECRET_MAIL_PASSWORD: 'from the environment' };
      expect(await resolveSecrets(value, defaultSecrets(environment))).toMatchObject({
        password: 'from the environment',
        keys: ['from a file\n', null, 3],
      });
      expect(await folderSecrets(folder)('absent')).toBeUndefined();
      expect(await folderSecrets(folder)('../k1')).toBeUndefined();
      await expect(folderSecrets(join(folder, 'k1'))('x')).rejects.toThrowError(missing);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
