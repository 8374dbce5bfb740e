/** The agent of the specialist `links`. */
import { runAgent } from '@mabeam/agents';
import { linksSpecialist } from '../specialists/links.ts';
import { specialistAgent } from './specialist.ts';

await runAgent(specialistAgent(linksSpecialist()));
