// Exports to other rooms: the browser's page, and questions.

export { playPage } from './page.js';
export { FIRST_QUESTION, linkOfQuestion, refuseFiles } from './question.js';
