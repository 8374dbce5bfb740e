/** Rounds as they were kept: read back from the events `event.round.<round>.<started|ended>`. */
import { openEvents, parseToken, type Bus, type BusMessage } from '@mabeam/bus';
import * as z from 'zod';

/** A round, as its events tell of it. */
export interface KeptRound {
  readonly round: string;
  readonly protocol: string;
  /** What it was about: a variable, for one. */
  readonly subject: string;
  readonly strategy?: string | undefined;
  readonly electorate: readonly string[];
  /** What was proposed, where its protocol tells. */
  readonly proposals?: readonly unknown[] | undefined;
  /** Who asked. */
  readonly by: string;
  /** ISO time, by the asker's clock. */
  readonly startedAt?: string | undefined;
  /** Absent while it runs, and when its asker ended before it. */
  readonly endedAt?: string | undefined;
  /** How it ended, as the protocol says it: `kind`, and what goes with it. */
  readonly outcome?: Readonly<Record<string, unknown>> | undefined;
}

const eventSchema = z.object({
  round: z.string(),
  protocol: z.string(),
  subject: z.string().catch(''),
  strategy: z.string().optional().catch(undefined),
  electorate: z.array(z.string()).catch([]),
  proposals: z.array(z.unknown()).optional().catch(undefined),
  by: z.string().catch(''),
  at: z.string(),
  outcome: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/** Reads the rounds of a space that are still kept, the oldest first; only the one of this id when it is given. Throws `stream-missing`, `invalid-id`. */
export async function readRounds(bus: Bus, space: string, round?: string): Promise<readonly KeptRound[]> {
  const which = round === undefined ? '*' : parseToken('round', round);
  const rounds = new Map<string, KeptRound>();
  for await (const event of openEvents(bus, space).read({ filter: `event.round.${which}.*` })) {
    const read = eventSchema.safeParse(bodyOf(event));
    // Anyone may publish events; what is none of a round is passed over.
    if (!read.success) continue;
    const { at, ...body } = read.data;
    const isEnd = event.subject.endsWith('.ended');
    // Nor does one speak of another round than that of its subject, of which the first is kept.
    if (!event.subject.endsWith(`.round.${body.round}.${isEnd ? 'ended' : 'started'}`)) continue;
    const earlier = rounds.get(body.round);
    rounds.set(body.round, {
      ...earlier,
      ...body,
      proposals: body.proposals ?? earlier?.proposals,
      ...(isEnd ? { endedAt: at } : { startedAt: at }),
    });
  }
  return [...rounds.values()];
}

/** The body of an event; undefined when it is no JSON. */
function bodyOf(event: Pick<BusMessage, 'json'>): unknown {
  try {
    return event.json();
  } catch {
    return undefined;
  }
}
