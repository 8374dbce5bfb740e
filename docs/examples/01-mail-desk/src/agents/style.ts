/** The agent of the specialist `style`. */
import { runAgent } from '@mabeam/agents';
import { styleSpecialist } from '../specialists/style.ts';
import { specialistAgent } from './specialist.ts';

await runAgent(specialistAgent(styleSpecialist()));
