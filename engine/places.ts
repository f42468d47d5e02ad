/** Place codes: ISO 3166-1 alpha-2 countries and the seven continents, as `request.cf` gives them. Pure. */
import { type Check, child, type Path } from './check.ts'

/** ISO 3166-1 alpha-2, officially assigned, November 2026; and XX (unknown) and T1 (Tor), which the platform reports. */
const COUNTRIES = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
    'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
    'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT ' +
    'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
    'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG ' +
    'UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XX T1'
  ).split(' '),
)

const CONTINENTS = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

export const A_COUNTRY = 'an ISO 3166-1 alpha-2 country code, upper case'
export const A_CONTINENT = 'a continent code (AF AN AS EU NA OC SA)'

export const isCountry = (code: unknown): boolean => COUNTRIES.has(code as string)
export const isContinent = (code: unknown): boolean => (CONTINENTS as readonly unknown[]).includes(code)

/** Notes every code of a list that does not exist. */
export const checkCountries = (check: Check, path: Path, list: unknown): void =>
  checkCodes(check, path, list, isCountry, A_COUNTRY)

export const checkContinents = (check: Check, path: Path, list: unknown): void =>
  checkCodes(check, path, list, isContinent, A_CONTINENT)

function checkCodes(
  check: Check,
  path: Path,
  list: unknown,
  known: (code: unknown) => boolean,
  must: string,
): void {
  if (!check.array(path, list)) return
  for (const [at, code] of list.entries()) check.is(child(path, at), known(code), `must be ${must}`, code)
}
