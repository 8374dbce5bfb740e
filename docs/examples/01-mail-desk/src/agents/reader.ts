/** The reader takes arrived mail from the desk's queue, parses it and asks the judge; the ruling is the task's outcome. */
import { defineAgent, runAgent } from '@mabeam/agents';
import { parseMail } from '../mail.ts';
import { arrivedMail, ruling } from '../messages.ts';

await runAgent(
  defineAgent({
    input: arrivedMail,
    output: ruling,
    task: async ({ raw }, context) => {
      const mail = await parseMail({ id: context.task, raw, group: 'desk' });
      return ruling.parse(await context.ask('judge', mail, { timeoutMs: 30_000 }));
    },
    // A mail is taken apart on one core: who has more waiting is better served by one more reader.
    concurrency: 4,
  }),
);
