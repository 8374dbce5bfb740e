/** The names of what a round puts on its span, beside the bus's own. */
import { attributes } from '@mabeam/bus';

/** The names of all attributes that the span of a round carries. */
export const roundAttributes = {
  round: 'mabeam.round.id',
  protocol: attributes.roundProtocol,
  strategy: 'mabeam.round.strategy',
  subject: 'mabeam.round.subject',
  invited: 'mabeam.round.invited',
  outcome: 'mabeam.round.outcome',
  alwaysSample: attributes.alwaysSample,
} as const;
