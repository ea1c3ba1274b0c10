import { describe, expect, test } from 'vitest'
import { noAnswer } from '../../src/mediquo/no-answer.ts'

const failure = (code: string) => Object.assign(new Error(code), { code })

describe('a request that cannot have arrived', () => {
  test.each([
    ['nobody listens there', 'ECONNREFUSED'],
    ['the name is unknown', 'ENOTFOUND'],
    ['the name server does not answer', 'EAI_AGAIN'],
    ['there is no way to the host', 'EHOSTUNREACH'],
    ['there is no way to the network', 'ENETUNREACH'],
    ['the proxy made no tunnel', 'ERR_PROXY_TUNNEL'],
    ['the proxy answered something else', 'UND_ERR_ABORTED'],
    ['the certificate has expired', 'CERT_HAS_EXPIRED'],
    ['the certificate’s issuer is unknown', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ['the certificate is nobody’s', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['the chain ends with nobody’s certificate', 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['the certificate is another host’s', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('leaves no patient in doubt: %s', (_, code) => {
    expect(noAnswer(failure(code))).toEqual({ kind: 'no answer', reason: 'connection', sent: false, code })
  })

  test('leaves no patient in doubt: connection timeout', () => {
    const code = 'UND_ERR_CONNECT_TIMEOUT'
    expect(noAnswer(failure(code))).toEqual({ kind: 'no answer', reason: 'timeout', sent: false, code })
  })
})

describe('a request that may have arrived', () => {
  test.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_DESTROYED', 'EPROTO', 'HPE_INVALID_CONSTANT', ''])(
    'leaves its patients in doubt: %s',
    (code) => {
      expect(noAnswer(failure(code))).toEqual({ kind: 'no answer', reason: 'connection', sent: true, code })
    },
  )

  test.each(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])(
    'leaves its patients in doubt after a timeout: %s',
    (code) => {
      expect(noAnswer(failure(code))).toEqual({ kind: 'no answer', reason: 'timeout', sent: true, code })
    },
  )

  test('is recognised as aborted by the name of the error, whose code is a number', () => {
    expect(noAnswer(new DOMException('the time is up', 'TimeoutError'))).toEqual({
      kind: 'no answer',
      reason: 'timeout',
      sent: true,
      code: 'TimeoutError',
    })
    expect(noAnswer(new DOMException('stopped', 'AbortError'))).toMatchObject({ reason: 'connection', sent: true })
  })
})
