// The same life by oauth4webapi as it comes, step by step: discovery, pushed request, code with PKCE and DPoP, refresh, userinfo,
// introspection, client credentials, revocation, logout; the application shows a secret.

import * as oauth from 'oauth4webapi'
import { text } from 'node:stream/consumers'
import { Person } from './pages.mjs'

const given = JSON.parse(await text(process.stdin))
const issuer = new URL(given.gateway)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer))
const client = { client_id: given.client_id }
const secret = oauth.ClientSecretPost(given.client_secret)
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const parameters = new URLSearchParams({
  response_type: 'code',
  redirect_uri: given.redirect_uri,
  scope: 'openid profile shop',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
const pushed = await oauth.processPushedAuthorizationResponse(
  server, client, await oauth.pushedAuthorizationRequest(server, client, secret, parameters, { DPoP }),
)
const address = new URL(server.authorization_endpoint)
address.searchParams.set('client_id', given.client_id)
address.searchParams.set('request_uri', pushed.request_uri)
const person = new Person(given.gateway, given.login, given.password)
const answer = oauth.validateAuthResponse(server, client, await person.arrive(address, given.redirect_uri), state)

const response = await oauth.authorizationCodeGrantRequest(
  server, client, secret, answer, given.redirect_uri, verifier, { DPoP },
)
const first = await oauth.processAuthorizationCodeResponse(server, client, response, {
  expectedNonce: nonce, requireIdToken: true,
})
await oauth.validateApplicationLevelSignature(server, response)
const claims = oauth.getValidatedIdTokenClaims(first)
const userinfo = await oauth.processUserInfoResponse(
  server, client, claims.sub, await oauth.userInfoRequest(server, client, first.access_token, { DPoP }),
)
const second = await oauth.processRefreshTokenResponse(
  server, client, await oauth.refreshTokenGrantRequest(server, client, secret, first.refresh_token, { DPoP }),
)
const account = await oauth.processIntrospectionResponse(
  server, client, await oauth.introspectionRequest(server, client, secret, second.access_token),
)
const own = await oauth.processClientCredentialsResponse(
  server, client, await oauth.clientCredentialsGrantRequest(server, client, secret, new URLSearchParams({ scope: 'shop' })),
)
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, secret, first.refresh_token))
const refused = await oauth.processRefreshTokenResponse(
  server, client, await oauth.refreshTokenGrantRequest(server, client, secret, first.refresh_token, { DPoP }),
).catch((error) => error)
const logout = new URL(server.end_session_endpoint)
logout.searchParams.set('id_token_hint', first.id_token)
logout.searchParams.set('post_logout_redirect_uri', given.redirect_uri)
logout.searchParams.set('state', state)
const goodbye = await person.arrive(logout, given.redirect_uri)

console.log(JSON.stringify({
  token_type: first.token_type,
  name: userinfo.name,
  refreshed: second.access_token !== first.access_token,
  active: account.active,
  own_type: own.token_type,
  after_revocation: refused.error,
  logged_out: goodbye.searchParams.get('state') === state,
}))
