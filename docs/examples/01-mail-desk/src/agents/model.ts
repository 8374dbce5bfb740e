/**
 * A language model as a specialist: asks an OpenAI-compatible service for a probability. What it cannot answer in time or
 * in form it abstains from; the content of the mail leaves the machine only when the URL does.
 */
import { defineAgent, runAgent } from '@mabeam/agents';
import { z } from 'zod';
import { opinion, parsedMail } from '../messages.ts';
import type { ParsedMail } from '../mail.ts';
import type { Opinion } from '../specialists/opinion.ts';

const config = z.object({ url: z.string(), model: z.string() });
const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});
const answer = z.object({ probability: z.number().min(0).max(1), reason: z.string().default('') });

const instructions =
  'You judge whether an e-mail is spam. Answer with one JSON object and nothing else: {"probability": <0 to 1, 1 is surely spam>, "reason": "<a few words>"}.';

await runAgent(
  defineAgent({
    input: parsedMail,
    output: opinion,
    ask: async (mail, context) => {
      const { url, model } = config.parse(context.config);
      try {
        return await askModel(mail, { url, model, signal: context.signal });
      } catch (error) {
        context.log.warn({ err: error }, 'the model gave no opinion');
        return { probability: 0.5, reasons: ['the model gave no opinion'], abstains: true };
      }
    },
    concurrency: 4,
  }),
);

async function askModel(
  mail: ParsedMail,
  { url, model, signal }: { url: string; model: string; signal: AbortSignal },
): Promise<Opinion> {
  const key = process.env['OPENAI_API_KEY'];
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({
      model,
      temperature: 0,
      messages: [
        { role: 'system', content: instructions },
        {
          role: 'user',
          content: `From: ${mail.from}\nSubject: ${mail.subject}\n\n${mail.text.slice(0, 4_000)}`,
        },
      ],
    }),
  });
  if (!response.ok) throw new Error(`the model service answered ${response.status}`);
  const [choice] = completion.parse(await response.json()).choices;
  const { probability, reason } = answer.parse(
    JSON.parse(/\{.*\}/s.exec(choice?.message.content ?? '')?.[0] ?? ''),
  );
  return { probability, reasons: reason === '' ? [] : [reason] };
}
