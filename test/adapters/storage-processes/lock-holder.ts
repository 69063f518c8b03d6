import { DatabaseSync } from '@photostructure/sqlite';
import { print, untilTold } from './opened.js';

/** Keeps a lock of a SQLite file until it is told: of writers (IMMEDIATE) or of everybody (EXCLUSIVE). */
const [path = '', kind = ''] = process.argv.slice(2);
const database = new DatabaseSync(path);
database.exec(`BEGIN ${kind}`);
print('locked');
await untilTold();
database.exec('ROLLBACK');
database.close();
print('released');
