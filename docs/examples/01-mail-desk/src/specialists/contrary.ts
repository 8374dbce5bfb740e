/** A specialist that is wrong on purpose: it has learned what `style` has learned, and says the opposite. For trying what the others do. */
import { styleSpecialist, type StyleSettings } from './style.ts';
import type { Learner } from './opinion.ts';
import type { Regression } from './regression.ts';

/** The contrary specialist. */
export function contrarySpecialist(): Learner<Regression, StyleSettings> {
  const style = styleSpecialist();
  return {
    ...style,
    id: 'contrary',
    opinion: (state, mail, settings) => {
      const opinion = style.opinion(state, mail, settings);
      if (opinion.abstains === true) return opinion;
      return { probability: 1 - opinion.probability, reasons: ['whatever style says, the opposite'] };
    },
  };
}
