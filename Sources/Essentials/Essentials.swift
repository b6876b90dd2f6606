// The C library, Dispatch and what is essential of Foundation, by one name on every system.
//
// Foundation as a whole brings its tables of languages, scripts and calendars into a program that stands alone, and one call of
// it is enough, were it `text.contains("x")` in a file that does not even import it.

@_exported import Dispatch

#if canImport(Darwin)
  @_exported import Darwin
  @_exported import Foundation
#elseif canImport(Musl)
  @_exported import FoundationEssentials
  @_exported import Musl
#else
  @_exported import FoundationEssentials
  @_exported import Glibc
#endif
