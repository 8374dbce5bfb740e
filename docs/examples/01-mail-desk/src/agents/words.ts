/** The agent of the specialist `words`. */
import { runAgent } from '@mabeam/agents';
import { wordsSpecialist } from '../specialists/words.ts';
import { specialistAgent } from './specialist.ts';

await runAgent(specialistAgent(wordsSpecialist()));
