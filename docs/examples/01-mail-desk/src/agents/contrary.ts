/** The agent of the specialist `contrary`, which only `--saboteur` puts on the bench. */
import { runAgent } from '@mabeam/agents';
import { contrarySpecialist } from '../specialists/contrary.ts';
import { specialistAgent } from './specialist.ts';

await runAgent(specialistAgent(contrarySpecialist()));
