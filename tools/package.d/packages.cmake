# The Debian packages, by CPack: what each is called, says of itself, needs and does when it comes and
# goes.  tools/package builds them; stage.sh there finishes each package's files.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME moorwatch)
set(CPACK_PACKAGE_VENDOR Moorwatch)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL field speedwatch padlock collector tools)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_MOORWATCH_STAGE ${CMAKE_CURRENT_LIST_DIR}/stage.sh)
set(CPACK_MOORWATCH_BINARY_DIR ${CMAKE_BINARY_DIR})

set(MOORWATCH_MAINTAINER "Moorwatch maintainers <moorwatch@example.org>" CACHE STRING
  "Who answers for the packages")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${MOORWATCH_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${MOORWATCH_ARCH})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF) # a sysroot's libraries: tools/package asks dpkg-shlibdeps itself

# package(COMPONENT NAME SECTION SYNOPSIS TEXT DEPENDS [PROGRAM STATE]): one Debian package.
# DEPENDS: beside the libraries.  PROGRAM: the daemon in it; STATE: what a purge removes.
function(package component name section synopsis text depends)
  string(TOUPPER ${component} id)
  set(scripts ${CMAKE_BINARY_DIR}/package/${component})
  set(CPACK_DEBIAN_${id}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_PRIORITY optional PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_DESCRIPTION "${synopsis}\n${text}" PARENT_SCOPE)
  set(MOORWATCH_DEPENDS_${id} "${depends}" PARENT_SCOPE)
  set(extra "")
  set(DAEMON ${name}) # the unit is named as the package
  set(program "${ARGV6}")
  set(STATE "${ARGV7}")
  if(program)
    set(kind daemon)
  else()
    set(kind ${component})
  endif()
  foreach(script preinst postinst prerm postrm)
    set(source ${CMAKE_SOURCE_DIR}/tools/package.d/${kind}.${script}.in)
    if(EXISTS ${source})
      configure_file(${source} ${scripts}/${script} @ONLY
        FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
        WORLD_READ WORLD_EXECUTE)
      list(APPEND extra ${scripts}/${script})
    endif()
  endforeach()
  if(program)
    file(WRITE ${scripts}/conffiles "/etc/moorwatch/${component}.conf\n")
    list(APPEND extra ${scripts}/conffiles)
    # The configuration that is installed is what the program itself says of its keys.
    set(conf ${scripts}/${component}.conf)
    add_custom_command(OUTPUT ${conf}
      COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${program}> --defaults >${conf}
      DEPENDS ${program})
    add_custom_target(${component}_conf ALL DEPENDS ${conf})
  endif()
  set(CPACK_DEBIAN_${id}_PACKAGE_CONTROL_EXTRA "${extra}" PARENT_SCOPE)
endfunction()

set(users "systemd | systemd-standalone-sysusers | systemd-sysusers")
package(field moorwatch-boards misc
  "board and kit descriptions of the Moorwatch field units"
  "Which GPIO line of which single-board computer a siren, a wired loop or a
button hangs on, as data: one file for each board and each kit.  With them
come the udev rules, the user and the groups that the daemons run with, and
the setting of the hardware's watchdog."
  "${users}, udev")
set(CPACK_DEBIAN_FIELD_PACKAGE_ARCHITECTURE all)
package(speedwatch moorwatch-speedwatch net
  "roadside unit of a Community Speedwatch group"
  "Reads a Doppler radar, finds the vehicles that pass and their speeds, and keeps
them on a spool that survives a power cut until the collector has acknowledged
them.  It surveys and advises: no cameras, no number plates."
  "moorwatch-boards (= @VERSION@)" speedwatch /var/lib/moorwatch/speedwatch)
package(padlock moorwatch-padlock net
  "hub for alarmed padlocks, gates and barriers"
  "Watches wired loops, tamper switches and accelerometers, sounds a siren without
needing a network, and keeps every alarm on a spool that survives a power cut
until the collector has acknowledged it."
  "moorwatch-boards (= @VERSION@)" padlock /var/lib/moorwatch/padlock)
package(collector moorwatch-collector net
  "hears, keeps and shows what Moorwatch field units report"
  "Checks the signature of each batch that comes over MQTT, stores and then
acknowledges it, raises alerts, keeps the statistics of sites, finds hotspots,
and proposes where the next speedwatch session is worth most, on a web page
and through an HTTP API."
  "${users}, libjs-leaflet" moorwatch-collector "/var/lib/moorwatch/collector.db*")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_RECOMMENDS "moorwatch-tools, mosquitto, sqlite3")
package(tools moorwatch-tools utils
  "commands that read, check and register what Moorwatch records"
  "The command moorwatch decodes batches and spools, computes passages and speeds
from radar logs, registers units and sites, and proves that a collector's
records are whole and unaltered."
  "")
set(CPACK_DEBIAN_SPEEDWATCH_PACKAGE_SUGGESTS "gpsd, moorwatch-tools")
set(CPACK_DEBIAN_PADLOCK_PACKAGE_SUGGESTS "gpsd, moorwatch-tools")
# Where tools/package finds the dependencies that are not libraries.
foreach(id FIELD SPEEDWATCH PADLOCK COLLECTOR TOOLS)
  string(APPEND lines "${id}|${CPACK_DEBIAN_${id}_PACKAGE_NAME}|${MOORWATCH_DEPENDS_${id}}\n")
endforeach()
file(WRITE ${CMAKE_BINARY_DIR}/package/depends "${lines}")
include(CPack)
