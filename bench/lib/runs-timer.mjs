// node --import: adds up the processor time of each simulateRun, and says it at the end. For processes that run one run at a time.
import { register } from 'node:module';

register(new URL('./runs-timer-hook.mjs', import.meta.url));
