/**
 * The auditor knows the true label of some mails. It publishes each of them it sees judged as feedback, scores the judge on it,
 * watches how good the desk is, and raises the trigger `quality-low` when that has dropped. It never sees the labels of the others.
 */
import { readFile } from 'node:fs/promises';
import { defineAgent, runAgent } from '@mabeam/agents';
import { z } from 'zod';
import { auditFilter, ruledMail, scoredVerdict } from '../messages.ts';
import { defaultQualitySettings, newQualityWatch, watchQuality } from '../quality.ts';

const config = z.object({ labels: z.string().optional() });
const knownLabels = z.record(z.string(), z.enum(['ham', 'spam']));

let labels: z.infer<typeof knownLabels> = {};
let watch = newQualityWatch();

await runAgent(
  defineAgent({
    input: ruledMail,
    start: async ({ config: given, events, log }) => {
      const { labels: path } = config.parse(given);
      if (path !== undefined) labels = knownLabels.parse(JSON.parse(await readFile(path, 'utf8')));
      for await (const event of events.read({ filter: auditFilter })) {
        const { label, verdict } = scoredVerdict.parse(event.json());
        watch = watchQuality(watch, { truth: label, verdict }, defaultQualitySettings()).watch;
      }
      log.info({ known: Object.keys(labels).length }, 'labels known');
    },
    ask: async ({ mail, label: verdict, opinions }, context) => {
      const label = labels[mail.id];
      if (label === undefined) return;
      await context.events.publish(
        'verdict',
        mail.id,
        'scored',
        { mail, label, verdict, opinions },
        { messageId: `scored.${mail.id}` },
      );
      // The conversation is the mail's, from its reader on; so the score tells by itself which value on trial the judge went by.
      await context.score(label === verdict ? 1 : 0, { agent: 'judge' });
      const step = watchQuality(watch, { truth: label, verdict }, defaultQualitySettings());
      watch = step.watch;
      if (step.fired)
        await context.trigger('quality-low', { source: 'auditor', id: `after-${mail.id}`, ...step.scores });
    },
  }),
);
