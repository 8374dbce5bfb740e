/** `mabeam ask`: one question to one agent, and its answer. */
import type { Command } from 'commander';
import { MabeamError, subjects } from '@mabeam/bus';
import { converse } from '../conversation.ts';
import { durationMs, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { readJsonInput } from '../input.ts';
import { openOutput } from '../output.ts';
import { inSpace } from '../session.ts';
import { wireFormOf } from '../wire-form.ts';

interface AskFlags extends SpaceFlags {
  readonly timeout: number;
}

/** The command `ask`. */
export function askCommand(): Command {
  const command = teachCommand({
    name: 'ask',
    description: 'Ask an agent and print its answer. At most once: a lost answer is not asked for again.',
    examples: [
      `mabeam ask words '{"text":"cheap pills"}'`,
      'mabeam ask judge @message.json --timeout 30s -o json',
      'echo 42 | mabeam ask echo -',
    ],
    exits: { 4: 'no answer in time', 5: 'no server, or the agent is not running' },
  })
    .argument('<agent>', 'id of the agent')
    .argument('<json>', 'question: JSON, @file, or - for standard input')
    .option('--timeout <duration>', 'how long to wait', durationMs, 5_000);
  return withSpace(command).action(async (agent: string, json: string, flags: AskFlags) => {
    const output = openOutput(flags.output);
    const question = await readJsonInput('the question', json);
    const { result, traceId } = await inSpace(flags, (place) =>
      converse(place, `ask ${agent}`, async () => {
        const subject = subjects(place.space).askAgent(agent);
        try {
          const form = await wireFormOf(place, agent);
          return await place.bus.request(subject, question, { timeoutMs: flags.timeout, form });
        } catch (error) {
          throw withCure(error, { agent, subject });
        }
      }),
    );
    output.result(result ?? null, () => JSON.stringify(result ?? null, undefined, 2));
    if (traceId !== undefined) output.note(`trace ${traceId}`);
  });
}

/** Nobody answers for the agent: says how to see why. Whom the agent asked in its turn is another matter. */
function withCure(
  error: unknown,
  { agent, subject }: { readonly agent: string; readonly subject: string },
): unknown {
  if (!(error instanceof MabeamError) || error.code !== 'no-responders') return error;
  if (error.details['subject'] !== subject) return error;
  const message = `agent ${agent} is not running here; see "mabeam ps", select it or start it`;
  const kind = { retryable: error.retryable, exit: 5, status: error.status } as const;
  return new MabeamError(error.code, kind, message, { cause: error, details: { ...error.details, agent } });
}
