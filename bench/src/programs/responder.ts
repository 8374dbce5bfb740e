/** The answering end of a request benchmark: `responder <contender> <url> <token>`. */
import { loadContender } from '../contenders/load-contender.ts';
import { serveCalls } from '../peer-end.ts';

const [name, url = '', token = ''] = process.argv.slice(2);
await (await loadContender(name)).openResponder({ url, token });
serveCalls({});
