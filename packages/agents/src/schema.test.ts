import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checked } from './schema.ts';

const mail = z.object({ subject: z.string(), links: z.array(z.object({ href: z.url() })) });

describe("an agent's edge", () => {
  it('gives the value as the schema returns it', async () => {
    expect(await checked(z.coerce.number(), '7', 'input', 'judge')).toBe(7);
  });

  it('names every offending field and the agent', async () => {
    const wrong = { subject: 7, links: [{ href: 'no url' }] };
    await expect(checked(mail, wrong, 'input', 'judge')).rejects.toMatchObject({
      code: 'invalid-input',
      details: { agent: 'judge' },
    });
    await expect(checked(mail, wrong, 'input', 'judge')).rejects.toThrow(/subject: .*links\.0\.href: /);
  });

  it('an answer that does not fit is the agent’s own fault, and not to be retried', async () => {
    await expect(checked(mail, {}, 'output', 'judge')).rejects.toMatchObject({
      code: 'invalid-output',
      retryable: false,
    });
  });
});
