/** `mabeam negotiate`: lets parties agree on the value of a variable, and writes it when that is wanted. */
import {
  agreedValue,
  negotiateValue,
  parseParties,
  strategyNames,
  type Negotiation,
  type TermOptions,
} from '@mabeam/coordination';
import { Option, type Command } from 'commander';
import { converse } from '../conversation.ts';
import { durationMs, plainNumber, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { readJsonInput } from '../input.ts';
import { openOutput } from '../output.ts';
import { renderNegotiation } from '../render/round.ts';
import { author, interruption } from '../session.ts';
import { withStore } from '../variable-access.ts';
import { withWire } from '../wire-form.ts';
import { partyOf } from './negotiate/party-word.ts';

interface NegotiateFlags extends SpaceFlags {
  readonly strategy: string;
  readonly parties?: string;
  readonly form?: 'sealed-bid' | 'second-price' | 'english' | 'dutch' | 'combinatorial';
  readonly reserve?: number;
  readonly coordinator?: string;
  readonly quorum?: number;
  readonly rounds?: number;
  readonly seed?: number;
  readonly timeout: number;
  readonly set?: boolean;
  readonly by?: string;
}

/** The command `negotiate`. */
export function negotiateCommand(): Command {
  const command = teachCommand({
    name: 'negotiate',
    description:
      'Let parties agree on the value of a variable, within its domain. A party is <id>, which is asked, or <id>=<value>, for which that speaks; <id>:<weight> counts more or less than 1. What bidders and traders offer is given with --parties. The round is kept: see mabeam round show.',
    examples: [
      'mabeam negotiate temperature coder:0.4=0.1 creative:0.3=1.2 reviewer:0.3=0.3',
      'mabeam negotiate threshold words headers links --strategy consensus --set',
      'mabeam negotiate model --strategy auction --form second-price --parties @bids.json',
    ],
    exits: { 3: 'no agreement: deadlock, no winner, no trade, nothing feasible', 4: 'no quorum' },
  })
    .argument('<variable>', 'id of a global variable')
    .argument('[party...]', '<id>[:<weight>][=<value>]')
    .addOption(new Option('--strategy <name>', 'how').choices(strategyNames).default('weighted-consensus'))
    .option(
      '--parties <json>',
      'more parties: a JSON list of {party, preferred, bid, orders, …}, @file, or -',
    )
    .addOption(
      new Option('--form <form>', 'of an auction').choices([
        'sealed-bid',
        'second-price',
        'english',
        'dutch',
        'combinatorial',
      ]),
    )
    .option('--reserve <price>', 'of an auction: nothing is sold below', plainNumber)
    .option('--coordinator <id>', 'of a hierarchy: who decides')
    .option('--quorum <share>', 'part of the weight that must take part, 0 to 1', plainNumber)
    .option('--rounds <n>', 'of a consensus: at most so many', wholeNumber(1))
    .option('--seed <n>', 'of what is drawn', wholeNumber(0))
    .option('--timeout <duration>', 'how long it may take', durationMs, 30_000)
    .option('--set', 'write the value that was agreed on')
    .option('--by <name>', 'with --set: who writes (default: the user)');
  return withSpace(command).action((variable: string, words: readonly string[], flags: NegotiateFlags) =>
    negotiate(variable, words, flags),
  );
}

async function negotiate(variable: string, words: readonly string[], flags: NegotiateFlags): Promise<void> {
  const output = openOutput(flags.output);
  const listed = flags.parties === undefined ? [] : await readJsonInput('the list of parties', flags.parties);
  const named = [...words.map(partyOf), ...parseParties(listed)];
  const signal = interruption();
  await withStore(flags, async (store, place) => {
    const { min, max, step, enum: values } = store.get(variable).definition.domain;
    const constraints = { min, max, step, enum: values };
    const { result, traceId } = await converse(place, 'negotiate', async () => {
      const { strategy, timeout: timeoutMs } = flags;
      const options = { ...termFlags(flags), strategy, constraints, timeoutMs, signal };
      const parties = await withWire(place, named);
      const negotiation = await negotiateValue(place.bus, place.space, variable, parties, options);
      if (flags.set !== true || negotiation.kind !== 'agreed') return { negotiation };
      const cause = `negotiated: ${negotiation.round}`;
      const outcome = await store.update(variable, negotiation.value, { by: flags.by ?? author(), cause });
      return { negotiation, revision: outcome.revision };
    });
    const { negotiation, revision } = result;
    output.result({ ...negotiation, revision, traceId }, () =>
      renderNegotiation(negotiation, revision, output.paint),
    );
    assertAgreed(negotiation);
  });
}

/** An ending without a value is an exit status of its own. */
function assertAgreed(negotiation: Negotiation): void {
  agreedValue(negotiation);
}

function termFlags({ form, reserve, coordinator, quorum, rounds, seed }: NegotiateFlags): TermOptions {
  return {
    auction: { form, reserve },
    hierarchy: { coordinator },
    quorum,
    maxRounds: rounds,
    seed,
  };
}
