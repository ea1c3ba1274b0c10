import { isIPv4 } from 'node:net'

/**
 * Returns the API's base URL with a path that ends in a slash, so that `new URL('patients', baseUrl)` lies below it; or the fault. Plain
 * HTTP is allowed only to a loopback host: keys and patients' data never cross a network unencrypted.
 */
export function parseBaseUrl(text: string): URL | string {
  if (!URL.canParse(text)) return 'must be a URL such as https://sdk.mediquo.com/v1'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL'
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'must be https, unless its host is a loopback address'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or a password'
  if (url.search !== '' || url.hash !== '') return 'must not hold a query or a fragment'
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'))
}
