/** The reader takes arrived mail from the desk's queue, parses it and asks the judge; the ruling is the task's outcome. */
import { defineAgent, runAgent } from '@mabeam/agents';
import { busErrors, errorsOf, MabeamError, pause } from '@mabeam/bus';
import { parseMail } from '../mail.ts';
import { arrivedMail, ruling } from '../messages.ts';

/** A judge that is down for long leaves the graph, and returns when it is up: so long a mail waits before it is tried again. */
const awayMs = 2_000;

const busError = errorsOf(busErrors);

await runAgent(
  defineAgent({
    input: arrivedMail,
    output: ruling,
    task: async ({ raw }, context) => {
      const mail = await parseMail({ id: context.task, raw, group: 'desk' });
      try {
        return ruling.parse(await context.ask('judge', mail, { timeoutMs: 30_000 }));
      } catch (error) {
        if (!(error instanceof MabeamError) || error.code !== 'edge-not-permitted') throw error;
        await pause(awayMs, context.signal);
        throw busError('no-responders', `the judge is away: ${error.message}`, { cause: error });
      }
    },
    // A mail is taken apart on one core: who has more waiting is better served by one more reader.
    concurrency: 4,
  }),
);
