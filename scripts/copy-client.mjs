// Copies the scripts that reports carry, which run in a browser and are not compiled, beside the compiled code that reads them.
import { cpSync } from 'node:fs';

cpSync('src/report/page/client', 'dist/report/page/client', { recursive: true });
