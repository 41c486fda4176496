// Checks without chai's proxies, which tell a misspelt matcher: the type check tells it too, and they cost more than most checks.
import { chai } from 'vitest';

chai.config.useProxy = false;
