// Types of Node where there are none: what base/host makes of its modules has types of its own.
declare module 'node:*';
