// All journeys in one process: they share one city and one browser, and run one after the other.
import './totp.test.mjs';
import './public.test.mjs';
import './staff.test.mjs';
