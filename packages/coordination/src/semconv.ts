/** The names of what a round puts on its span, beside the bus's own; `mabeam.always_sample` keeps it whatever the rate. */
export const roundAttributes = {
  round: 'mabeam.round.id',
  protocol: 'mabeam.round.protocol',
  strategy: 'mabeam.round.strategy',
  subject: 'mabeam.round.subject',
  invited: 'mabeam.round.invited',
  outcome: 'mabeam.round.outcome',
  alwaysSample: 'mabeam.always_sample',
} as const;
