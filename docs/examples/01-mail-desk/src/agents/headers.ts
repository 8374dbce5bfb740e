/** The agent of the specialist `headers`. */
import { runAgent } from '@mabeam/agents';
import { headersSpecialist } from '../specialists/headers.ts';
import { specialistAgent } from './specialist.ts';

await runAgent(specialistAgent(headersSpecialist()));
